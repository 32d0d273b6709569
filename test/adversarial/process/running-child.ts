/** Runs a program as a hub would, in a process that a test can kill: shell, script, mark, and the time it may take. */
import { findConfinement } from '../../../studio/server/services/process/confinement.ts';
import { createProcessServices } from '../../../studio/server/services/process/process-services.ts';

const [program, script, mark, timeoutMs = '600000'] = process.argv.slice(2);
const confinement = await findConfinement();
console.log(confinement.kind);
const [running] = createProcessServices({
  confinement,
  onOutput: () => undefined,
  reveal: (name) => name,
  redact: (text) => text,
  isOwn: () => false,
});
const args = {
  program,
  args: ['-c', script, program, mark],
  timeoutMs: Number(timeoutMs),
  folder: '/',
};
const caller = { plugin: 'a/b', run: null, workflow: null, node: null, host: null };
const use = { caller, signal: new AbortController().signal, permit: () => undefined };
// SAFETY: what a broker would hand over; the test names them.
await running?.call('run', args as never, use as never).then(
  () => console.log('ended'),
  (error: unknown) => console.log((error as { readonly code: string }).code),
);
