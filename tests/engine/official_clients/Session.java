import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Requests by Java's own client, which offers HTTP/2 with the first request; prints two lines for each response. */
class Session {
    public static void main(String[] given) throws Exception {
        String url = given[0], index = given[1];
        HttpClient client = HttpClient.newHttpClient();
        String match = "{\"query\": {\"match\": {\"text\": \"how do I clean the oven\"}}, \"size\": 5";
        String[][] requests = {
            {"GET", "/", ""},
            {"GET", "/" + index + "/_doc/d1", ""},
            {"GET", "/" + index + "/_doc/no", ""},
            {"HEAD", "/" + index, ""},
            {"POST", "/" + index + "/_count", match.replace(", \"size\": 5", "}")},
            {"POST", "/" + index + "/_search", match + ", \"sort\": [\"n\"]}"},
            {"POST", "/" + index + "/_search", match},
            {"POST", "/" + index + "/_search", match + "}"},
        };
        for (String[] one : requests) {
            HttpRequest.BodyPublisher body = one[2].isEmpty()
                ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(one[2]);
            HttpRequest request = HttpRequest.newBuilder(URI.create(url + one[1])).method(one[0], body)
                .header("Content-Type", "application/json").build();
            HttpResponse<String> found = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(found.statusCode() + " " + found.headers().firstValue("x-resift").orElse("-"));
            System.out.println(found.body().replace("\n", " "));
        }
    }
}
