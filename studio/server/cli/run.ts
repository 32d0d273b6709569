import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  HubError,
  capabilityText,
  splitNodeType,
  type Json,
  type NumberedEvent,
} from '@runtime-hub/plugin-sdk/contract';
import { plain, usage, type Command } from './output.ts';
import { COMMON_OPTIONS, openSession, type Session } from './session.ts';
import { interrupted } from './start.ts';

const HELP = `hub run <workflow.json> [--workspace <name>] [--json]

Runs a workflow and prints each event as it happens. A workflow that begins with a trigger keeps waiting for it until
Ctrl+C. While a plugin lacks a permission the run waits; approve it from another terminal and it goes on.
--workspace: whose grants it may use besides those that hold everywhere (default: default).
Exit code 0: succeeded · 1: failed · 2: the file is wrong.`;

export const runCommand: Command = {
  name: 'run',
  summary: 'run a workflow and show what happens',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...COMMON_OPTIONS, workspace: { type: 'string' } },
      allowPositionals: true,
    });
    const workflow = await readWorkflow(positionals[0]);
    const { workspace } = values;
    const body = { workflow, ...(workspace === undefined ? {} : { workspace }) };
    await using session = await openSession(values.data);
    const stop = new AbortController();
    void interrupted().then(() => stop.abort());
    const show = (event: NumberedEvent): void => {
      console.log(values.json ? JSON.stringify(event) : eventLine(event));
    };
    try {
      const isTriggered = await isActivated(session, workflow);
      const go = isTriggered ? follow : runOnce;
      return await go(session, body, { stop, show });
    } finally {
      // The stream of events would keep this process.
      stop.abort();
    }
  },
};

interface Follow {
  readonly stop: AbortController;
  readonly show: (event: NumberedEvent) => void;
}

async function readWorkflow(file: string | undefined): Promise<Json> {
  if (file === undefined)
    throw usage('workflow', undefined, 'Name the file of a workflow: hub run <workflow.json>');
  const text = await readFile(file, 'utf8').catch(() => {
    throw usage('workflow', file, 'There is no such file that can be read.');
  });
  try {
    // SAFETY: JSON.parse gives JSON; the hub checks its shape.
    return JSON.parse(text) as Json;
  } catch (error) {
    const where = error instanceof Error ? error.message : 'not JSON';
    throw new HubError('WORKFLOW_INVALID', {
      problems: [{ at: file, message: where, cure: 'write valid JSON' }],
    });
  }
}

/** Asks the hub which node types are triggers and whether the workflow has one. */
async function isActivated(session: Session, workflow: Json): Promise<boolean> {
  // SAFETY: the hub's own API; the workflow may be anything, so it is read with care.
  const { plugins } = (await session.client.send('GET', '/api/v1/plugins')) as unknown as {
    plugins: { manifest: { id: string; nodes: { type: string; kind: string }[] } }[];
  };
  const nodes = (workflow as { nodes?: Record<string, { type?: unknown }> } | null)?.nodes ?? {};
  return Object.values(nodes).some(({ type }) => {
    if (typeof type !== 'string') return false;
    const id = splitNodeType(type);
    const found = plugins.find(({ manifest }) => manifest.id === id.plugin);
    return found?.manifest.nodes.find((it) => it.type === id.type)?.kind === 'trigger';
  });
}

async function runOnce(session: Session, body: Json, { stop, show }: Follow): Promise<number> {
  const events = session.client.stream('/api/v1/events', stop.signal)[Symbol.asyncIterator]();
  await events.next();
  // SAFETY: the hub's own API.
  const { run } = (await session.client.send('POST', '/api/v1/runs', body)) as { run: string };
  for (;;) {
    const next = await events.next();
    if (next.done === true) break;
    // SAFETY: the stream carries numbered events.
    const event = next.value as unknown as NumberedEvent;
    if ('run' in event && event.run !== run) continue;
    show(event);
    if (event.type === 'run.finished') return event.status === 'succeeded' ? 0 : 1;
  }
  await session.client.send('POST', `/api/v1/runs/${run}/cancel`, {
    reason: 'stopped from the terminal',
  });
  return 1;
}

async function follow(session: Session, body: Json, { stop, show }: Follow): Promise<number> {
  const events = session.client.stream('/api/v1/events', stop.signal)[Symbol.asyncIterator]();
  await events.next();
  // SAFETY: the hub's own API.
  const { activation } = (await session.client.send('POST', '/api/v1/runs/activations', body)) as {
    activation: string;
  };
  for (;;) {
    const next = await events.next();
    if (next.done === true) break;
    // SAFETY: the stream carries numbered events.
    show(next.value as unknown as NumberedEvent);
  }
  await session.client.send('DELETE', `/api/v1/runs/activations/${encodeURIComponent(activation)}`);
  return 0;
}

/** One event as a line for people. */
export function eventLine(event: NumberedEvent): string {
  const time = new Date(event.at).toISOString().slice(11, 23);
  return `${time}  ${event.type.padEnd(20)} ${plain(detailOf(event))}`;
}

function detailOf(event: NumberedEvent): string {
  switch (event.type) {
    case 'step.finished':
      return `${event.node} (${event.nodeType}) in ${event.ms.toFixed(1)} ms ${JSON.stringify(event.outputs ?? {}).slice(0, 160)}`;
    case 'step.failed':
      return `${event.node}: ${event.error.code} ${event.error.message}`;
    case 'step.waiting':
      return `${event.node}: ${event.plugin} asks for ${event.permissions.map(capabilityText).join(', ')} — hub permissions approve ${event.plugin}`;
    case 'run.finished':
      return `${event.status} in ${event.ms.toFixed(1)} ms${event.error === undefined ? '' : ` — ${event.error.code}: ${event.error.message}`}`;
    case 'capability.used':
      return `${event.plugin} ${event.operation} ${event.need}${event.allowed ? '' : ' — DENIED'}`;
    default: {
      const { type: _type, at: _at, sequence: _sequence, ...rest } = event;
      return Object.values(rest)
        .map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)))
        .join(' ')
        .slice(0, 200);
    }
  }
}
