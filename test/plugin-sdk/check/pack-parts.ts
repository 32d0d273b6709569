import { checkArtifact, type Surroundings } from '@runtime-hub/plugin-sdk/check';
import type { Finding, Manifest } from '@runtime-hub/plugin-sdk/contract';

/** A node as manifests have it, clean unless changed. */
export const nodeWith = (more: Readonly<Record<string, unknown>> = {}): Manifest['nodes'][number] =>
  // SAFETY: the defaults fit, and a test that changes one to something odd means to.
  ({
    type: 'read',
    title: 'Read',
    description: 'Reads a rate.',
    kind: 'action',
    effect: 'external',
    join: 'all',
    config: { type: 'object', properties: {}, additionalProperties: false },
    inputs: {},
    outputs: { rate: { type: 'number' } },
    optionalInputs: [],
    timeoutMs: 30_000,
    uses: ['net.http'],
    ...more,
  }) as Manifest['nodes'][number];

export const HTTP = {
  capability: 'net.http',
  target: 'api.example.com',
  reason: 'Reads the rates that your workflow asks for.',
};
export const CALL = "context.call('net.http', 'request', { method: 'GET' });\n";

export interface Parts {
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly files?: Readonly<Record<string, string | Uint8Array | null>>;
  readonly code?: string;
  readonly surroundings?: Surroundings;
}

/** What the rules find in a pack that is clean but for what a test changes; null takes a file out. */
export function findingsIn({
  manifest,
  files,
  code,
  surroundings,
}: Parts = {}): readonly Finding[] {
  const all = {
    'plugin.js': code ?? CALL,
    'README.md': 'Reads rates from api.example.com. '.repeat(5),
    LICENSE: 'Apache License',
    'icon.svg':
      '<svg xmlns="http://www.w3.org/2000/svg"><rect width="1" height="1" fill="url(#a)"/></svg>',
    ...files,
  };
  const kept = Object.entries(all).flatMap(([path, content]) =>
    content === null ? [] : [[path, Buffer.from(content)] as const],
  );
  return checkArtifact({ files: new Map(kept) }, manifestWith(manifest), surroundings);
}

export const manifestWith = (more: Readonly<Record<string, unknown>> = {}): Manifest =>
  // SAFETY: as for nodes.
  ({
    manifestVersion: 1,
    id: 'acme/rates',
    version: '1.0.0',
    title: 'Rates',
    description: 'Reads rates.',
    license: 'Apache-2.0',
    engine: '^1.0.0',
    runtime: 'isolate',
    entry: 'plugin.js',
    permissions: [HTTP],
    provides: [],
    nodes: [nodeWith()],
    ...more,
  }) as unknown as Manifest;
