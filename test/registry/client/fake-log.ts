import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  MemoryTree,
  consistencyProof,
  eventLeaf,
  leafHash,
  rootAt,
  signCheckpoint,
  spkiOf,
} from '@runtime-hub/plugin-sdk/artifact';
import type { LogEvent } from '@runtime-hub/plugin-sdk/contract';

export const ORIGIN = 'log.test.internal';

/** A log with a true key that says what a test has it say. */
export interface FakeLog extends AsyncDisposable {
  readonly url: string;
  readonly logKey: string;
  readonly leaves: Buffer[];
  /** What `/v1/changes` gives for the leaf at an index; the leaf itself unless a test changes it. */
  show: (index: number) => Buffer | null;
  /** Signs the checkpoints. */
  key: KeyObject;
  /** When the checkpoint was signed. */
  at: () => number;
  size: () => number;
  append(event: LogEvent): void;
}

export const revoked = (plugin: string, version: string, digest: string): LogEvent => ({
  ...{ event: 'state', plugin, version, digest, from: 'active', to: 'revoked' },
  ...{ actor: 'admin/1', reason: 'because', at: 1 },
});

export async function openLog(): Promise<FakeLog> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const leaves: Buffer[] = [];
  const tree = () => new MemoryTree(log.leaves.map((it) => leafHash(it)));
  const server = createServer((request, reply) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://log');
    const count = (name: string): number => Number(searchParams.get(name));
    const nodes = tree();
    if (pathname === '/v1/log/checkpoint') {
      const head = { size: log.size(), root: rootAt(nodes, log.size()), at: log.at() };
      return void reply.end(signCheckpoint(head, { origin: ORIGIN, privateKey: log.key }));
    }
    if (pathname === '/v1/log/proof') {
      const [from, to] = [count('from'), count('to')];
      const proof = consistencyProof(nodes, from, to).map((it) => it.toString('base64'));
      return void reply.end(JSON.stringify({ from, to, proof }));
    }
    const since = count('since');
    const entries = log.leaves.slice(since, since + count('limit')).flatMap((_, at) => {
      const leaf = log.show(since + at);
      return leaf === null ? [] : [{ index: since + at, leaf: leaf.toString('base64') }];
    });
    reply.end(JSON.stringify({ size: log.size(), entries }));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // SAFETY: it listens on a port.
  const { port } = server.address() as AddressInfo;
  const log: FakeLog = {
    url: `http://127.0.0.1:${String(port)}`,
    logKey: spkiOf({ privateKey }),
    leaves,
    key: privateKey,
    show: (index) => log.leaves[index] ?? null,
    at: () => Date.now(),
    size: () => log.leaves.length,
    append: (event) => void leaves.push(eventLeaf(event)),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return log;
}
