import { eventOf, openFlowHub } from '../support/hub.ts';
import { mixedChain } from './mixed-chain.ts';

// A hub of its own: resumes what is open in the folder named on the command line, or starts a run, and sees it to its end.

const hub = await openFlowHub(process.argv[2] ?? '');
if (hub.store.runs.open().length === 0) await hub.engine.start(mixedChain(20));
process.stdout.write('going\n');
if (hub.store.runs.open().length > 0) await eventOf(hub, 'run.finished');
await hub[Symbol.asyncDispose]();
process.stdout.write('ended\n');
