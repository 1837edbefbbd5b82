// Reading a request body and writing a response body: limits, gzip both ways, streams with back-pressure.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip, constants } from 'node:zlib';
import { Failure } from './failure.ts';
import type { HttpResponse } from './http-message.ts';

// Below this a gzip header and the CPU time cost more than they save.
const GZIP_FROM_BYTES = 1024;

/**
 * The whole body, inflated. Never holds more than `bytesMax` + one chunk.
 *
 * @throws Failure `input` BodyTooLong, BodyEncodingUnknown, BodyBroken
 */
export async function readBody(message: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  const encoding = (message.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new Failure(
      'input',
      'BodyEncodingUnknown',
      `Content-Encoding '${encoding}': use gzip or none`,
    );
  }
  if (Number(message.headers['content-length'] ?? 0) > bytesMax) throw tooLong(bytesMax);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const source = encoding === 'gzip' ? inflated(message) : message;
  try {
    // The iterator must not destroy the message: that would cut the connection before the answer is out.
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLong(bytesMax);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      'input',
      'BodyBroken',
      `the request body ended early or is not ${encoding}`,
      error,
    );
  }
  return Buffer.concat(chunks);
}

function inflated(message: IncomingMessage): Readable {
  const gunzip = createGunzip();
  message.once('close', () => {
    if (!message.complete) gunzip.destroy(new Error('connection closed'));
  });
  return message.pipe(gunzip);
}

function tooLong(bytesMax: number): Failure {
  return new Failure('input', 'BodyTooLong', `the request body is longer than ${bytesMax} bytes`);
}

/** Writes a response. Rejects when the client went away or a streamed body failed; the connection is cut then. */
export async function writeResponse(
  message: IncomingMessage,
  out: ServerResponse,
  response: HttpResponse,
): Promise<void> {
  const { body } = response;
  const headers: Record<string, string> = { ...response.headers };
  const acceptsGzip = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(
    String(message.headers['accept-encoding'] ?? ''),
  );
  const whole =
    typeof body === 'string' ? Buffer.from(body) : body instanceof Uint8Array ? body : undefined;
  const isSmall = body === undefined || (whole !== undefined && whole.length < GZIP_FROM_BYTES);
  const useGzip = acceptsGzip && !isSmall && headers['content-encoding'] === undefined;
  if (useGzip) headers['content-encoding'] = 'gzip';
  headers['vary'] = 'accept-encoding';
  if (!useGzip && (whole !== undefined || body === undefined))
    headers['content-length'] = String(whole?.length ?? 0);
  out.writeHead(response.status, headers);
  if (message.method === 'HEAD' || body === undefined) {
    out.end();
    return;
  }
  if (whole !== undefined && !useGzip) {
    await new Promise<void>((resolve) => out.end(whole, () => resolve()));
    return;
  }
  const source = whole === undefined ? Readable.from(body) : Readable.from([whole]);
  // Level 1: answers are JSON and shrink well at once; a flush lets the first rows out early.
  if (useGzip) await pipeline(source, createGzip({ level: 1, flush: constants.Z_SYNC_FLUSH }), out);
  else await pipeline(source, out);
}
