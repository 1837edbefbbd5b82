// Obtains the servers without a container engine and without root: Kafka from Maven Central, MinIO and etcd
// by the Go tool chain, Redis from Debian packages that are unpacked, not installed. Versions are pinned.

import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, run, which } from './cache.ts';

/** Versions of the servers, also those of compose.yaml. */
const VERSIONS = {
  kafka: '4.4.0',
  log4j: '2.25.5',
  minio: 'v0.0.0-20260212201848-7aac2a2c5b7c',
  etcd: 'v3.6.16',
} as const;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>kafka-broker</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSIONS.kafka}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>${VERSIONS.log4j}</version></dependency>
</dependencies></project>`;

const ETCD_MAIN = `package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
`;

/** Folder with the broker's jars. */
export function installKafka(): Promise<string> {
  return cached(`kafka-${VERSIONS.kafka}`, async (folder) => {
    const maven = which('mvn') ?? missing('Maven (mvn)', 'Kafka');
    if (which('java') === undefined) missing('Java 17 (java)', 'Kafka');
    await writeFile(join(folder, 'pom.xml'), POM);
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
    // -U: a look-up that failed once is cached by Maven and would fail again.
    await run(maven, [
      '-B',
      '-q',
      '-U',
      '-f',
      join(folder, 'pom.xml'),
      goal,
      '-DincludeScope=runtime',
      `-DoutputDirectory=${join(folder, 'out')}`,
    ]);
  });
}

/** The MinIO executable. About seven minutes of CPU time at first. */
export function installMinio(): Promise<string> {
  return cached(`minio-${VERSIONS.minio}`, async (folder) => {
    const args = [
      'install',
      '-trimpath',
      '-ldflags=-s -w',
      `github.com/minio/minio@${VERSIONS.minio}`,
    ];
    await run(goTool(), args, { env: { GOBIN: folder } });
    await cp(join(folder, 'minio'), join(folder, 'out'));
  });
}

/** The etcd executable. */
export function installEtcd(): Promise<string> {
  return cached(`etcd-${VERSIONS.etcd}`, async (folder) => {
    const module = join(folder, 'module');
    await mkdir(module);
    await writeFile(join(module, 'main.go'), ETCD_MAIN);
    const options = { cwd: module, env: { GOFLAGS: '-mod=mod' } };
    await run(goTool(), ['mod', 'init', 'build.local/etcd'], options);
    await run(goTool(), ['get', `go.etcd.io/etcd/server/v3@${VERSIONS.etcd}`], options);
    await run(goTool(), ['mod', 'tidy'], options);
    await run(
      goTool(),
      ['build', '-trimpath', '-ldflags=-s -w', '-o', join(folder, 'out'), '.'],
      options,
    );
  });
}

/** The Redis executable and the folder of its libraries ('' = the system's). */
export async function installRedis(): Promise<{
  readonly file: string;
  readonly libraries: string;
}> {
  const installed = which('redis-server');
  if (installed !== undefined) return { file: installed, libraries: '' };
  const root = await cached('redis-deb', async (folder) => {
    const apt = which('apt-get') ?? missing('redis-server, or apt-get to obtain it', 'Redis');
    // /usr/bin/redis-server is a link into redis-tools, so both are needed.
    const packages = ['redis-tools', 'redis-server', 'libjemalloc2', 'liblzf1', 'libatomic1'];
    const download = ['download', '-qq', ...packages];
    await run(apt, download, { cwd: folder }).catch(async () => {
      await run(apt, ['update', '-qq']);
      await run(apt, download, { cwd: folder });
    });
    await mkdir(join(folder, 'out'));
    const files = (await readdir(folder)).filter((name) => name.endsWith('.deb'));
    for (const file of files)
      await run('dpkg-deb', ['-x', join(folder, file), join(folder, 'out')]);
  });
  const [triplet = ''] = (await readdir(join(root, 'usr/lib'))).filter((name) =>
    name.endsWith('-linux-gnu'),
  );
  return { file: join(root, 'usr/bin/redis-server'), libraries: join(root, 'usr/lib', triplet) };
}

function goTool(): string {
  return (
    process.env['GO'] ??
    which('go', '/usr/local/go/bin/go') ??
    missing('Go 1.24 or later (go)', 'MinIO and etcd')
  );
}

function missing(tool: string, server: string): never {
  throw new Error(
    `${server} cannot be installed: ${tool} is not on the PATH; install it or name a running server in the environment`,
  );
}
