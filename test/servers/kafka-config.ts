// Configuration text of the one-node Kafka (broker and controller in one process) that tests run against.

/** What differs between two brokers. */
export interface KafkaPlace {
  readonly host: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly dataFolder: string;
}

/**
 * server.properties. A killed broker is let in again once the session of its earlier life is over, hence the
 * short one. Topics are never created by a request for metadata: a wrong name must be
 * an error.
 */
export function kafkaProperties(place: KafkaPlace): string {
  const { host, port, controllerPort } = place;
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${host}:${controllerPort}
listeners=PLAINTEXT://${host}:${port},CONTROLLER://${host}:${controllerPort}
advertised.listeners=PLAINTEXT://${host}:${port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${place.dataFolder}
num.partitions=4
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=4
message.max.bytes=20971520
log.retention.check.interval.ms=1000
log.cleaner.dedupe.buffer.size=2097152
`;
}

/** log4j2 configuration: warnings to the log file. */
export function kafkaLogging(): string {
  return `status=error
appender.c.type=Console
appender.c.name=C
appender.c.target=SYSTEM_ERR
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.c.ref=C
`;
}
