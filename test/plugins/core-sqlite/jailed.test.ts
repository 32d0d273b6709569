import { pluginId, type BlobHandle, type WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { openHub, type Hub } from '../../../studio/server/hub.ts';
import { eventOf, installBuiltIns, temporaryFolder } from '../../support/hub.ts';
import { INVOICES } from './databases.ts';

const SQLITE = pluginId('core/sqlite');

interface Stage extends AsyncDisposable {
  readonly hub: Hub;
  readonly database: BlobHandle;
}

/** A hub with the plugin, and a database that it may read. */
async function openStage(): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder('sqlite'));
  const hub = stack.use(await openHub({ folder: folder.path }));
  await installBuiltIns(hub, ['core/sqlite']);
  const nobody = {
    plugin: SQLITE,
    run: null,
    workspace: 'default',
    workflow: null,
    node: null,
    host: null,
  };
  const mime = 'application/vnd.sqlite3';
  const database = await hub.blobs.add(Buffer.from(INVOICES), mime, nobody);
  const owned = stack.move();
  return { hub, database, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

const asking = (sql: string, database: BlobHandle, timeoutMs = 20_000): WorkflowDocument => ({
  format: 'runtime-hub/workflow@1',
  name: 'Query',
  nodes: {
    query: {
      type: 'core/sqlite:query',
      config: { sql, parameters: ['Ada'] },
      inputs: { database },
      timeoutMs,
      retry: { maxAttempts: 1, delayMs: 0, maxDelayMs: 0 },
    },
  },
  edges: [],
});

test('the signed plugin asks a database inside its jail', { timeout: 60_000 }, async () => {
  await using stage = await openStage();
  const { hub, database } = stage;
  const sql = 'SELECT sum(total) AS total FROM invoice WHERE customer = ?';
  const { finished } = await hub.engine.start(asking(sql, database));
  const done = await eventOf(hub, 'step.finished');
  expect(done.outputs).toMatchObject({ rows: [{ total: 19.5 }], count: 1 });
  expect(await finished).toMatchObject({ status: 'succeeded' });
});

test(
  'a query without end is ended at its deadline, and the next one is answered',
  { timeout: 60_000 },
  async () => {
    await using stage = await openStage();
    const { hub, database } = stage;
    const endless =
      'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) AS n FROM r WHERE n = ?';
    const stuck = await hub.engine.start(asking(endless, database, 1000));
    const result = await stuck.finished;
    expect(result).toMatchObject({ status: 'failed', error: { code: 'HOST_UNRESPONSIVE' } });
    expect(result.ms).toBeLessThan(10_000);
    const sql = 'SELECT count(*) AS n FROM invoice WHERE customer = ?';
    const { finished } = await hub.engine.start(asking(sql, database));
    expect(await finished).toMatchObject({ status: 'succeeded' });
  },
);

test(
  'a query that takes all the memory there is ends its own host only',
  { timeout: 60_000 },
  async () => {
    await using stage = await openStage();
    const { hub, database } = stage;
    const greedy =
      "WITH RECURSIVE r(n) AS (SELECT hex(zeroblob(999999)) UNION SELECT n || 'x' FROM r) SELECT count(*) AS n FROM r WHERE n = ?";
    const { finished } = await hub.engine.start(asking(greedy, database));
    expect(await finished).toMatchObject({
      status: 'failed',
      error: { code: 'HOST_OUT_OF_MEMORY' },
    });
  },
);
