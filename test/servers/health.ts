// Whether a server answers: one question each, in the server's own protocol, with a short time-out.

import { connect } from 'node:net';
import type { Endpoint, ServerName } from './server.ts';

const TIMEOUT_MS = 2000;

/** True when the server at the endpoint answers and is ready for work. Never rejects. */
export async function isHealthy(name: ServerName, endpoint: Endpoint): Promise<boolean> {
  try {
    switch (name) {
      case 'kafka':
        return await isKafkaHealthy(endpoint.url);
      case 's3':
        return (await httpGet(`${endpoint.url}/minio/health/ready`)).ok;
      case 'etcd':
        return (await (await httpGet(`${endpoint.url}/health`)).text()).includes('true');
      default:
        return (await exchange(endpoint.url.replace('redis://', ''), Buffer.from('PING\r\n'), 5))
          .toString()
          .startsWith('+PONG');
    }
  } catch {
    return false;
  }
}

function httpGet(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
}

// Metadata v4 for no topics: healthy when at least one broker is listed.
async function isKafkaHealthy(hostPort: string): Promise<boolean> {
  // key 3, version 4, correlation 1, client id "h", no topics, no auto-creation
  const body = Buffer.from('0003' + '0004' + '00000001' + '000168' + '00000000' + '00', 'hex');
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  const answer = await exchange(hostPort, Buffer.concat([length, body]), 16);
  return answer.readInt32BE(12) > 0;
}

/** Sends bytes and reads until at least `bytes` have come. */
function exchange(hostPort: string, request: Buffer, bytes: number): Promise<Buffer> {
  const colon = hostPort.lastIndexOf(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(hostPort.slice(colon + 1)), hostPort.slice(0, colon));
    let answer: Buffer = Buffer.alloc(0);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('time-out')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length < bytes) return;
      resolve(answer);
      socket.destroy();
    });
    socket.write(request);
  });
}
