import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  coded,
  ENV,
  newMark,
  openStage,
  marked,
  SH,
  waitFor,
} from '../../studio/server/services/process/process-stage.ts';

const VALUE = 'hunter2-correct-horse';
const secrets = { mail: VALUE, login: `ann:${VALUE}` };
const MAIL = { $secret: 'mail' };

/** Everything but what bubblewrap and the shell add. */
const shows = (text: string) => text.includes('hunter2') || text.includes('correct-horse');

test('a dump of the environment comes back without the secret', async () => {
  const { run, output } = openStage({ secrets });
  const { stdout } = await run({ program: ENV, env: { TOKEN: MAIL } });
  expect(stdout).toContain('TOKEN=[secret mail]\n');
  expect(shows(stdout + JSON.stringify(output))).toBe(false);
});

test.for([
  ['as base64', 'printf %s "$TOKEN" | base64'],
  ['as base64 within more', 'printf "user:%s:x" "$TOKEN" | base64 -w 0'],
  ['as hex', 'printf %s "$TOKEN" | od -An -v -tx1 | tr -d " \\n"'],
  ['as JSON', `printf '{"t":"%s"}' "$TOKEN"`],
  ['in two writes', 'printf %.9s "$TOKEN"; sleep 0.2; printf %s "${TOKEN#?????????}"'],
  ['as an error', 'echo "$TOKEN" >&2'],
  ['from /proc', 'tr "\\0" "\\n" < /proc/$$/environ'],
  ['without an end of line', 'printf %s "$TOKEN"'],
] as const)('a secret told %s is hidden in result and log', async ([, script]) => {
  const { sh, output } = openStage({ secrets });
  const { stdout, stderr } = await sh(script, { env: { TOKEN: MAIL } });
  const told = output.map((it) => it.text).join('');
  for (const text of [stdout + stderr, told]) {
    expect(text).toContain('[secret mail]');
    expect(shows(text)).toBe(false);
    expect(text).not.toContain(Buffer.from(VALUE).toString('base64').slice(0, 10));
    expect(text).not.toContain(Buffer.from(VALUE).toString('hex').slice(0, 10));
  }
});

test('no limit of output shows a part of a secret', async () => {
  const { sh } = openStage({ secrets });
  const seen = new Set<string>();
  for (let maxOutputBytes = 0; maxOutputBytes < VALUE.length + 8; maxOutputBytes += 1) {
    const limits = { maxOutputBytes, env: { TOKEN: MAIL } };
    const { stdout } = await sh('printf "<<%s>>xxxxxx" "$TOKEN"', limits);
    seen.add(stdout);
  }
  for (const it of seen) expect(it).toMatch(/^(?:<{0,2}|<<\[secret mail\]>{0,2}x*)$/u);
  expect(seen.size).toBeGreaterThan(3);
});

test('no time of a program shows a part of a secret before it is over', async () => {
  const { sh, output } = openStage({ secrets });
  const script = 'printf "%.9s\\n" "$TOKEN"; sleep 0.3; echo over';
  const going = sh(script, { env: { TOKEN: MAIL } });
  const { stdout } = await going;
  // What a program cuts itself cannot be known again; the log tells it no sooner than the result.
  expect(output.map((it) => it.text).join('')).toBe(stdout);
  expect(output).toHaveLength(1);
});

test('a secret with a prefix and as user and password reaches the program, and no more', async () => {
  const { sh, output } = openStage({ secrets });
  const basic = `Basic ${Buffer.from(secrets.login).toString('base64')}`;
  const env = {
    A: { $secret: 'login', form: 'basic', prefix: 'Basic ' },
    B: { ...MAIL, prefix: 'Bearer ' },
  } as const;
  const script = `[ "$A" = "${basic}" ] && [ "$B" = "Bearer ${VALUE}" ] && echo both; echo "$A $B"`;
  const { stdout } = await sh(script, { env });
  expect(stdout).toContain('both\n');
  expect(shows(stdout + JSON.stringify(output))).toBe(false);
  expect(stdout).not.toContain(basic);
});

test('a secret that was not granted for the program is denied', async () => {
  const stage = openStage({ secrets, grants: [`process.run:${ENV}`, `secrets.use:mail@${SH}`] });
  const going = stage.run({ program: ENV, env: { TOKEN: MAIL } });
  await expect(going).rejects.toMatchObject({
    code: 'CAPABILITY_DENIED',
    data: { need: `secrets.use:mail@${ENV}` },
  });
});

test('a secret for one program does not reach another by way of a link', async () => {
  const link = '/proc/self/root' + ENV;
  const grants = [`process.run:${link}`, `process.run:${ENV}`, `secrets.use:mail@${link}`];
  const { run } = openStage({ secrets, grants });
  const going = run({ program: link, env: { TOKEN: MAIL } });
  await expect(going).rejects.toMatchObject({
    code: 'CAPABILITY_DENIED',
    data: { need: `secrets.use:mail@${ENV}` },
  });
});

test('a secret that is none fails, and starts nothing', async () => {
  const { run } = openStage({ secrets });
  const going = run({ program: ENV, env: { TOKEN: { $secret: 'other' } } });
  await expect(going).rejects.toEqual(coded('SECRET_NOT_FOUND'));
});

test('no command line on the machine shows a secret while its program runs', async () => {
  const stage = openStage({ secrets });
  const mark = newMark();
  const stop = new AbortController();
  const args = ['-c', 'sleep 600; :', mark];
  const going = stage.run({ program: SH, args, env: { TOKEN: MAIL } }, stop.signal);
  await waitFor(() => expect(marked(mark).length).toBeGreaterThanOrEqual(3));
  const lines = readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(commandLine);
  expect(lines.some((it) => it.includes(mark))).toBe(true);
  expect(lines.filter(shows)).toEqual([]);
  stop.abort(new Error('enough'));
  await expect(going).rejects.toEqual(coded('STEP_CANCELLED'));
});

test('no error holds a secret', async () => {
  const { sh } = openStage({ secrets });
  const script = 'echo "$TOKEN"; echo "$TOKEN" >&2; sleep 600';
  const going = sh(script, { env: { TOKEN: MAIL }, timeoutMs: 200 });
  const error = await going.catch((it: unknown) => it);
  expect(error).toEqual(coded('STEP_TIMED_OUT'));
  expect(shows(JSON.stringify(error) + String(error))).toBe(false);
});

test('a secret as the name of a process is hidden in the list', async () => {
  const stage = openStage({ secrets: { short: 'pw-12345' } });
  const stop = new AbortController();
  const script = 'printf %s "$TOKEN" > /proc/$$/comm; sleep 600; :';
  const going = stage.sh(script, { env: { TOKEN: { $secret: 'short' } } }, stop.signal);
  await waitFor(async () => {
    const names = (await stage.list()).processes.map((it) => it.name);
    expect(names).toContain('[secret short]');
    expect(names).not.toContain('pw-12345');
  });
  stop.abort(new Error('enough'));
  await expect(going).rejects.toEqual(coded('STEP_CANCELLED'));
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
