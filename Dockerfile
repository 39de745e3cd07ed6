# The rerank service and the search proxy as an image: a plain user, no compiler, nothing written at run time.
#   docker build -t resift .
#   docker run --rm --read-only --cap-drop ALL -p 127.0.0.1:8080:8080 -e RESIFT_SERVICE_KEYS=$(openssl rand -hex 24) resift
# Models of the hub need a volume for their cache: -v models:/models
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY resift ./resift
COPY retrieval ./retrieval
COPY indexer ./indexer
COPY rerank ./rerank
ARG EXTRAS=proxy,remote,otel
RUN python -m venv /opt/resift \
    && /opt/resift/bin/pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]"

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin resift \
    && install --directory --owner resift /models
COPY --from=build /opt/resift /opt/resift
ENV PATH=/opt/resift/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 RESIFT_LOG_FORMAT=json \
    RESIFT_MODEL_CACHE=/models
USER 10001
WORKDIR /
EXPOSE 8080
# for plain HTTP on the port above; with TLS or another port, give the container a check of its own
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/ready')"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["resift"]
CMD ["serve", "--host", "0.0.0.0"]
