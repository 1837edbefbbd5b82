// How the command line is used; also the source of docs/reference/cli.md.

/** Wrong use of the command line: exit code 2. */
export class UsageError extends Error {}

/** The help text. */
export const USAGE = `usage: sluice <command> [options]

  local -f FILE...         every role in one process; Ctrl-C drains and publishes
      --data DIR           state (default ./.sluice/<name>)
      --host HOST          address to listen on (default 127.0.0.1)
      --ports A,B,C,D      coordinator, broker, historical, first worker (default 8081,8082,8083,8084)
      --log LEVEL          debug, info, warn, error (default info; JSON lines on stderr)
  validate -f FILE...      checks resources; lists every problem with field, value and fix
  delete -f FILE...        applies deletionPolicy to the state of stopped resources: Retain keeps, Purge removes
      --data DIR           folder of sluice local (default: the servers of the environment)
  query [-f FILE]          posts a native query (default: standard input)
      --url URL            server (default http://localhost:8082)
  segment build --spec FILE --input FILE --out DIR
                           rows (ndjson, .gz) to one segment folder; FILE of --spec: a resource,
                           a Druid supervisor spec or a flat dataSchema
      --interval A/B       time chunk to build; rows outside are counted and left out
  segment dump DIR         what is in a segment; --rows prints them as ndjson
  segment validate DIR     reads everything and names the first defect
  segment query DIR... -f QUERIES
                           answers native queries over segment folders, merged as by a broker;
                           a JSON array of queries gives an array of answers
  trial --kafka JSON       on Kubernetes, as helm test: makes a topic and a resource of its own, counts the rows, removes all;
                           JSON: bootstrapServers, tls and sasl as in spec.source.kafka
      --url URL            broker (default http://localhost:8082)
      --namespace NS       of the resource (default default)
      --timeout SECONDS    until the rows are counted (default 180)
  operator [-f FILE...]    on Kubernetes: makes the pods of ingestions, coordinates segments (-f: without pods)
  ingest -f FILE --group G one ingest worker of a resource
  historical --id ID       serves published segments
  broker                   answers queries over everything
      --host H --port P    address to listen on (default 0.0.0.0; operator 8081, broker 8082, historical 8083, ingest 8084)
      --address H:P        address that other processes reach this one at
      --data DIR           local files (default /var/lib/sluice)
      --tier T             tier of a historical (default _default_tier)
      --max-bytes N        disk that a historical may fill (default 100000000000)
      The roles take their connections from the environment:
      SLUICE_CONNECTIONS   file with etcd, s3 and redis in YAML (a mounted Secret), instead of the next three
      SLUICE_ETCD          http://host:port,...; SLUICE_ETCD_USER, SLUICE_ETCD_PASSWORD; SLUICE_ETCD_ROOT (default sluice/)
      SLUICE_S3            http://host:port, with SLUICE_S3_ACCESS_KEY, SLUICE_S3_SECRET_KEY, SLUICE_S3_BUCKET; SLUICE_S3_PREFIX
      SLUICE_REDIS         redis://host:port (optional; without it results are cached in memory)
      SLUICE_SECRETS       folder of secrets, <name>/<key> (as Kubernetes mounts them)
      SLUICE_LOG           debug for more log

Exit codes: 0 done, 1 failed, 2 wrong use.
`;
