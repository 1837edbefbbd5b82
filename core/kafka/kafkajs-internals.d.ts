// The parts of kafkajs 2.2.4 that broker-connection.ts uses and that its public types leave out.

declare module 'kafkajs/src/network/connectionPool.js' {
  /** A pair of sockets to one broker. */
  export default class ConnectionPool {
    constructor(options: Readonly<Record<string, unknown>>);
    readonly pool: readonly {
      rejectRequests(error: Error): void;
      processData(piece: Buffer): void;
      bytesBuffered: number;
      chunks: Buffer[];
    }[];
    isConnected(): boolean;
    send(request: {
      request: {
        apiKey: number;
        apiVersion: number;
        apiName: string;
        encode: () => Promise<{ buf: Buffer; buffer: Buffer }>;
      };
      response: {
        decode: (payload: Buffer) => Promise<{ payload: Buffer }>;
        parse: (decoded: { payload: Buffer }) => Promise<Buffer>;
      };
      requestTimeout: number;
      logResponseError: boolean;
    }): Promise<Buffer>;
    destroy(): Promise<void>;
  }
}

declare module 'kafkajs/src/broker/index.js' {
  import type ConnectionPool from 'kafkajs/src/network/connectionPool.js';
  /** What greets and authenticates. */
  export default class Broker {
    constructor(options: {
      connectionPool: ConnectionPool;
      logger: unknown;
      authenticationTimeout: number;
      allowAutoTopicCreation: boolean;
    });
    readonly versions: Readonly<Record<string, { minVersion: number; maxVersion: number }>> | null;
    connect(): Promise<void>;
  }
}

declare module 'kafkajs/src/loggers/index.js' {
  import type { LogEntry } from 'kafkajs';
  const loggers: {
    createLogger(options: {
      level: number;
      logCreator: (level: number) => (entry: LogEntry) => void;
    }): unknown;
  };
  export default loggers;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  /** Requests of one socket. */
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    scheduleCheckPendingRequests(): void;
  }
}
