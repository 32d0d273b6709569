import { parseArgs } from 'node:util';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { plain, print, table, usage, type Command } from './output.ts';
import { COMMON_OPTIONS, openSession } from './session.ts';

const HELP = `hub runs list
hub runs show <run>
hub runs cancel <run> [--reason <text>]
hub runs resolve <run> <node> --as done|retry|fail

resolve answers for a step that was acting on the outside world when the hub died, so that nobody knows whether it was done.`;

interface RunRow {
  readonly id: string;
  readonly workflow: string;
  readonly status: string;
  readonly createdAt: number;
}

export const runsCommand: Command = {
  name: 'runs',
  summary: 'list, show, cancel and resolve runs',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        reason: { type: 'string', default: 'cancelled by hand' },
        as: { type: 'string' },
      },
      allowPositionals: true,
    });
    const [action = 'list', run, node] = positionals;
    const request = requestOf({ action, run, node, reason: values.reason, as: values.as });
    await using session = await openSession(values.data);
    const value = await session.client.send(request.method, request.path, request.body);
    print(value, values.json, () =>
      action === 'list' ? listText(value) : JSON.stringify(value, null, 2),
    );
    return 0;
  },
};

interface Words {
  readonly action: string;
  readonly run: string | undefined;
  readonly node: string | undefined;
  readonly reason: string;
  readonly as: string | undefined;
}

function requestOf(words: Words): { method: 'GET' | 'POST'; path: string; body?: Json } {
  const { action, run, node, reason, as } = words;
  if (action === 'list') return { method: 'GET', path: '/api/v1/runs' };
  if (run === undefined) throw usage('run', undefined, 'Name a run; hub runs list shows them.');
  const path = `/api/v1/runs/${encodeURIComponent(run)}`;
  if (action === 'show') return { method: 'GET', path };
  if (action === 'cancel') return { method: 'POST', path: `${path}/cancel`, body: { reason } };
  if (action !== 'resolve') throw usage('runs', action, 'Use list, show, cancel or resolve.');
  if (node === undefined || as === undefined) {
    throw usage(
      'resolve',
      node,
      'Give the node and what is true of it: hub runs resolve <run> <node> --as done|retry|fail',
    );
  }
  return { method: 'POST', path: `${path}/resolve`, body: { node, as } };
}

function listText(value: Json): string {
  // SAFETY: the hub's own API.
  const { runs } = value as unknown as { runs: RunRow[] };
  if (runs.length === 0) return 'No run yet. Try: hub run <workflow.json>';
  const rows = runs.map((it) => [
    it.id,
    it.status,
    new Date(it.createdAt).toISOString(),
    plain(it.workflow),
  ]);
  return table(['RUN', 'STATUS', 'STARTED', 'WORKFLOW'], rows);
}
