import io.trino.plugin.hive.HivePlugin;
import io.trino.plugin.iceberg.IcebergPlugin;
import io.trino.testing.DistributedQueryRunner;
import io.trino.testing.TestingSession;
import java.util.HashMap;
import java.util.Map;

/**
 * A Trino server over the Glue catalog and the S3 of an emulator: ENDPOINT PORT REGION ACCESS_KEY.
 * It says READY when it answers, and ends with its standard input.
 */
public final class TrinoServer {
    private static final String CATALOG = "awsdatacatalog";
    private static final String ICEBERG = "iceberg";

    public static void main(String[] arguments) throws Exception {
        String endpoint = arguments[0];
        String port = arguments[1];
        DistributedQueryRunner server = DistributedQueryRunner
            .builder(TestingSession.testSessionBuilder().setCatalog(CATALOG).build())
            .setWorkerCount(0)
            .addCoordinatorProperty("http-server.http.port", port)
            // Athena takes 262,144 bytes; what is longer is refused before it comes here.
            .addCoordinatorProperty("query.max-length", "1000000")
            // With no other server to sort on, it is one more stage of a query, a quarter of what a small one takes.
            .addCoordinatorProperty("distributed-sort", "false")
            .build();
        server.installPlugin(new HivePlugin());
        server.installPlugin(new IcebergPlugin());

        Map<String, String> aws = Map.of(
            "fs.native-s3.enabled", "true",
            "s3.endpoint", endpoint,
            "s3.path-style-access", "true",
            "s3.region", arguments[2],
            "s3.aws-access-key", arguments[3],
            "s3.aws-secret-key", arguments[3],
            "hive.metastore.glue.region", arguments[2],
            "hive.metastore.glue.endpoint-url", endpoint,
            "hive.metastore.glue.aws-access-key", arguments[3],
            "hive.metastore.glue.aws-secret-key", arguments[3]);

        Map<String, String> hive = new HashMap<>(aws);
        hive.put("hive.metastore", "glue");
        hive.put("hive.security", "allow-all");
        hive.put("hive.partition-projection-enabled", "true");
        // Athena answers no rows for a projected partition without a folder.
        hive.put("hive.ignore-absent-partitions", "true");
        hive.put("hive.non-managed-table-writes-enabled", "true");
        // One catalog for both formats, as Athena has it.
        hive.put("hive.iceberg-catalog-name", ICEBERG);
        server.createCatalog(CATALOG, "hive", hive);

        Map<String, String> iceberg = new HashMap<>(aws);
        iceberg.put("iceberg.catalog.type", "glue");
        server.createCatalog(ICEBERG, "iceberg", iceberg);

        System.out.println("READY");
        while (System.in.read() >= 0) {
            // Whoever started this has gone when the pipe closes.
        }
        Runtime.getRuntime().halt(0);
    }
}
