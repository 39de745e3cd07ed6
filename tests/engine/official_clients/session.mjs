// Calls of the official Node client, as an application makes them; prints one JSON line for each response.
import { createRequire } from 'node:module'

const [url, packageName, index, other] = process.argv.slice(2)
const { Client } = createRequire(process.cwd() + '/')(packageName)
const client = new Client({ node: url, maxRetries: 0 })
const query = { match: { text: 'how do I clean the oven' } }

const calls = {
  info: () => client.info({}, { meta: true }),
  'index a document': () => client.index({ index: other, id: 'n1', refresh: true, body: { text: 'soup é 汤' } }, { meta: true }),
  get: () => client.get({ index: other, id: 'n1' }, { meta: true }),
  'get: 404': () => client.get({ index: other, id: 'no' }, { meta: true }),
  exists: () => client.exists({ index: other, id: 'n1' }, { meta: true }),
  bulk: () => client.bulk({ index: other, refresh: true, body: [{ index: { _id: 'n2' } }, { text: 'bread' }] }, { meta: true }),
  update: () => client.update({ index: other, id: 'n2', body: { doc: { kind: 'x' } } }, { meta: true }),
  mget: () => client.mget({ index: other, body: { ids: ['n1', 'n2'] } }, { meta: true }),
  delete: () => client.delete({ index: other, id: 'n2', refresh: true }, { meta: true }),
  count: () => client.count({ index, body: { query } }, { meta: true }),
  mapping: () => client.indices.getMapping({ index }, { meta: true }),
  'cat.count': () => client.cat.count({ index, h: 'count' }, { meta: true }),
  'search sorted': () => client.search({ index, body: { query, sort: ['n'], size: 3 } }, { meta: true }),
  'search of another index': () => client.search({ index: other, body: { query: { match: { text: 'soup' } } } }, { meta: true }),
  'search: 400': () => client.search({ index, body: { query: { nonsense: {} } } }, { meta: true }),
  'search: 404': () => client.search({ index: 'not-there', body: { query } }, { meta: true }),
  msearch: () => client.msearch({ body: [{ index }, { query, size: 0 }, { index: other }, { query }] }, { meta: true }),
  'reranked search': () => client.search({ index, body: { query, size: 5, _source: ['title'] } }, { meta: true }),
  'reranked msearch': () => client.msearch({ body: [{ index }, { query, size: 3 }] }, { meta: true })
}

for (const [name, call] of Object.entries(calls)) {
  let found
  try {
    found = await call()
  } catch (error) {
    found = error.meta ?? { body: String(error) }
  }
  console.log(JSON.stringify([name, found.statusCode ?? null, found.headers?.['x-resift'] ?? '', found.body ?? null]))
}
await client.close()
