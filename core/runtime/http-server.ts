// A small HTTP server over node:http for every role: routes in, JSON errors out, no framework. Knows the
// routes that every process has (/status, /status/health, /status/ready, /metrics).

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Failure, isFailure } from './failure.ts';
import { readBody, writeResponse } from './http-body.ts';
import {
  failureResponse,
  type HttpRequest,
  type HttpResponse,
  jsonResponse,
} from './http-message.ts';
import { createRouter, type Route } from './http-router.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

/** What clients of Druid compare with the releases they know: the one whose answers ours are. */
const DRUID_LEVEL = '37.0.0';
const BODY_BYTES_DEFAULT = 64 * 1024;

/** What a server needs. */
export interface HttpServerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly routes: readonly Route[];
  readonly log: Logger;
  /** Turns a handler's error into a response; default {@link failureResponse}. */
  readonly onError?: (error: unknown, request: HttpRequest) => HttpResponse;
}

/** A listening server. */
export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /** Stops accepting, lets answers in progress finish until the signal aborts, then cuts them. */
  close(deadline: AbortSignal): Promise<void>;
}

/** Routes every process answers. `ready` tells whether it may be sent work, and why not. */
export function standardRoutes(options: {
  readonly version: string;
  readonly role: string;
  readonly metrics: Metrics;
  readonly ready: () => { readonly isReady: boolean; readonly reasons: readonly string[] };
  /** Why the process should be started anew; absent or empty = it is well. */
  readonly unhealthy?: () => readonly string[];
}): readonly Route[] {
  const { version, role, metrics, ready, unhealthy = () => [] } = options;
  const memory = (): unknown => {
    const { rss, heapTotal, heapUsed } = process.memoryUsage();
    return {
      maxMemory: rss,
      totalMemory: heapTotal,
      freeMemory: heapTotal - heapUsed,
      usedMemory: heapUsed,
    };
  };
  return [
    {
      method: 'GET',
      path: '/status',
      handler: () =>
        jsonResponse(200, {
          version: DRUID_LEVEL,
          sluice: version,
          role,
          modules: [],
          memory: memory(),
        }),
    },
    {
      method: 'GET',
      path: '/status/health',
      handler: () => {
        const reasons = unhealthy();
        return reasons.length === 0 ? jsonResponse(200, true) : jsonResponse(503, { reasons });
      },
    },
    {
      method: 'GET',
      path: '/status/ready',
      handler: () => {
        const { isReady, reasons } = ready();
        return jsonResponse(isReady ? 200 : 503, { ready: isReady, reasons });
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      handler: async () => {
        const { contentType, text } = await metrics.expose();
        return { status: 200, headers: { 'content-type': contentType }, body: text };
      },
    },
  ];
}

/** Starts to listen. @throws Failure `config` PortTaken, AddressInvalid */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const route = createRouter(options.routes);
  const stopping = new AbortController();
  let isClosing = false;
  const server = createServer((message, out) => {
    // A connection that was busy when closing began would otherwise stay open until its keep-alive time is over.
    out.once('close', () => {
      if (isClosing) setImmediate(() => server.closeIdleConnections());
    });
    void answer(message, out, { ...options, route, stopping: stopping.signal });
  });
  // Queries may take minutes; a client that sends slowly may not.
  server.requestTimeout = 60_000;
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenFailure(error, options)));
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return {
    host: options.host,
    port,
    close(deadline) {
      return new Promise((resolve) => {
        const cut = (): void => {
          stopping.abort();
          server.closeAllConnections();
        };
        isClosing = true;
        server.close(() => {
          deadline.removeEventListener('abort', cut);
          resolve();
        });
        server.closeIdleConnections();
        if (deadline.aborted) cut();
        else deadline.addEventListener('abort', cut);
      });
    },
  };
}

function listenFailure(error: Error, options: HttpServerOptions): Failure {
  const place = `${options.host}:${options.port}`;
  if ('code' in error && error.code === 'EADDRINUSE') {
    return new Failure(
      'config',
      'PortTaken',
      `cannot listen on ${place}: another process does; choose another port`,
      error,
    );
  }
  return new Failure(
    'config',
    'AddressInvalid',
    `cannot listen on ${place}: ${error.message}`,
    error,
  );
}

interface Serving extends HttpServerOptions {
  readonly route: ReturnType<typeof createRouter>;
  readonly stopping: AbortSignal;
}

async function answer(
  message: IncomingMessage,
  out: ServerResponse,
  serving: Serving,
): Promise<void> {
  const gone = new AbortController();
  out.once('close', () => {
    if (!out.writableFinished) gone.abort();
  });
  const signal = AbortSignal.any([gone.signal, serving.stopping]);
  try {
    const response = await respond(message, signal, serving);
    if (signal.aborted && out.destroyed) return;
    await writeResponse(message, out, response);
  } catch (error) {
    // The head is out already: the only honest end is a cut connection.
    if (!gone.signal.aborted)
      serving.log.warn('answer was cut short', { path: message.url, error });
    out.destroy();
  }
}

async function respond(
  message: IncomingMessage,
  signal: AbortSignal,
  serving: Serving,
): Promise<HttpResponse> {
  const method = message.method ?? 'GET';
  const url = new URL(message.url ?? '/', 'http://localhost');
  const found = serving.route(method, url.pathname);
  if (found.kind === 'none')
    return errorResponse(404, 'NotFound', `no resource at ${url.pathname}`);
  if (found.kind === 'wrong-method') {
    return errorResponse(
      405,
      'MethodNotAllowed',
      `${method} ${url.pathname}: use ${found.allowed.join(' or ')}`,
      { allow: found.allowed.join(', ') },
    );
  }
  const refused = refuseMediaType(message, found.route);
  if (refused !== undefined) return refused;
  let body: Uint8Array;
  try {
    body = await readBody(message, found.route.bodyBytesMax ?? BODY_BYTES_DEFAULT);
  } catch (error) {
    const close = { connection: 'close' };
    if (isFailure(error) && error.code === 'BodyTooLong')
      return errorResponse(413, error.code, error.message, close);
    if (isFailure(error))
      return errorResponse(
        error.code === 'BodyEncodingUnknown' ? 415 : 400,
        error.code,
        error.message,
        close,
      );
    throw error;
  }
  const request: HttpRequest = {
    method,
    path: url.pathname,
    params: found.params,
    query: url.searchParams,
    headers: flatten(message),
    body,
    signal,
    remote: `${message.socket.remoteAddress ?? '?'}:${message.socket.remotePort ?? 0}`,
  };
  try {
    return await found.route.handler(request);
  } catch (error) {
    if (!isFailure(error) || error.kind === 'bug')
      serving.log.error('handler failed', { path: url.pathname, error });
    return (serving.onError ?? failureResponse)(error, request);
  }
}

function refuseMediaType(message: IncomingMessage, route: Route): HttpResponse | undefined {
  if (route.accepts === undefined) return undefined;
  const type = (message.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (route.accepts.includes(type)) return undefined;
  const text =
    type === '' ? 'the request has no Content-Type' : `Content-Type '${type}' is not supported`;
  return errorResponse(415, 'UnsupportedMediaType', `${text}: use ${route.accepts.join(' or ')}`, {
    connection: 'close',
  });
}

function errorResponse(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): HttpResponse {
  return jsonResponse(status, { error: code, errorMessage: message }, headers);
}

function flatten(message: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}
