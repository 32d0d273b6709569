import { manifestOf, type PluginDefinition } from '@runtime-hub/plugin-sdk';
import { packArtifact } from '@runtime-hub/plugin-sdk/artifact';
import type { Permission } from '@runtime-hub/plugin-sdk/contract';
import { README } from '../registry/open-registry.ts';

export interface Pack {
  readonly id: string;
  readonly version: string;
  readonly permissions?: readonly Permission[];
  /** JSON Schema of the nodes' config. */
  readonly config?: object;
  readonly runtime?: 'isolate' | 'process';
  /** Source of the `migrate` of its nodes. */
  readonly migrate?: string;
}

const NO_CONFIG = { type: 'object', properties: {}, additionalProperties: false };

/** A real plugin that a real host runs: `say` gives its version, `wait` stays for ten minutes. */
export function packOf(pack: Pack): Uint8Array<ArrayBuffer> {
  const { id, version, permissions = [], config = NO_CONFIG, runtime = 'isolate', migrate } = pack;
  const common = { effect: 'pure', config };
  const head = {
    ...{ id, version, permissions, runtime, engine: '^1.0.0', license: 'MIT' },
    ...{ title: 'Words', description: 'Says its version.' },
  };
  const nodes = [
    { ...common, type: 'say', title: 'Say', outputs: { text: { type: 'string' } } },
    { ...common, type: 'wait', title: 'Wait', outputs: {}, timeoutMs: 3_600_000 },
  ];
  const asks = permissions.map(
    ({ target }) =>
      `export const ask = (context) => context.call('net.http', 'request', { url: 'https://${target}' });\n`,
  );
  const code = `${asks[0] ?? ''}const head = ${JSON.stringify(head)};
const [say, wait] = ${JSON.stringify(nodes)};
export default { ...head, nodes: [
  { ...say, run: () => ({ text: head.version })${migrate === undefined ? '' : `, migrate: ${migrate}`} },
  { ...wait, run: async ({ context }) => { await context.sleep(600000); return {}; } },
] };
`;
  // SAFETY: what a manifest is made of is there; `run` has no part in it.
  const manifest = manifestOf({ ...head, nodes } as unknown as PluginDefinition);
  const files = {
    'manifest.json': JSON.stringify(manifest),
    'plugin.js': code,
    'README.md': README,
    LICENSE: 'MIT\n',
  };
  return new Uint8Array(
    packArtifact(new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]))),
  );
}

export const reach = (host: string): Permission => ({
  capability: 'net.http',
  target: host,
  reason: 'Asks for the weather',
});
