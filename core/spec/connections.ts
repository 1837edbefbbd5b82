// The connections file: where etcd, the bucket and Redis are, with credentials. Mounted from a Secret into every pod, so
// that no credential stands in an environment. Read by the composition roots.

import { parseDocument } from 'yaml';
import { z } from 'zod';
import { Failure } from '../runtime/failure.ts';

/** Where a role's servers are. */
export interface Connections {
  readonly etcd: {
    readonly endpoints: readonly string[];
    /** Prefix of every key. Default `sluice/`. */
    readonly root?: string | undefined;
    readonly username?: string | undefined;
    readonly password?: string | undefined;
  };
  readonly s3: {
    readonly endpoint: string;
    readonly bucket: string;
    readonly accessKey: string;
    readonly secretKey: string;
    readonly prefix?: string | undefined;
  };
  readonly redis?: { readonly url: string } | undefined;
}

const text = z.string().min(1);
const schema: z.ZodType<Connections> = z.strictObject({
  etcd: z.strictObject({
    endpoints: z.array(text).min(1),
    root: text.optional(),
    username: text.optional(),
    password: text.optional(),
  }),
  s3: z.strictObject({
    endpoint: text,
    bucket: text,
    accessKey: text,
    secretKey: text,
    prefix: z.string().optional(),
  }),
  redis: z.strictObject({ url: text }).optional(),
});

/**
 * Reads a connections file (YAML or JSON).
 *
 * @throws Failure `config` ConnectionsInvalid naming file and field; values are not shown, they may be secrets
 */
export function readConnections(content: string, file: string): Connections {
  const document = parseDocument(content);
  const [error] = document.errors;
  if (error !== undefined)
    throw new Failure('config', 'ConnectionsInvalid', `${file}: is not YAML (${error.code})`);
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`,
  );
  throw new Failure('config', 'ConnectionsInvalid', `${file}: ${problems.join('; ')}`);
}
