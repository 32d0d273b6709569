import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/hub.ts';
import { missingLine, readTutorial, type Scene } from './tutorial-script.ts';
import { Stage } from './tutorial-stage.ts';

const TUTORIAL = fileURLToPath(new URL('../../plugin-sdk/TUTORIAL.md', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const scenes = readTutorial(TUTORIAL);
const opened = new AsyncDisposableStack();
let stage: Stage;

beforeAll(() => {
  const folder = opened.use(temporaryFolder('tutorial')).path;
  stage = opened.use(new Stage(folder));
  // Whatever else runs on this machine has its ports.
  stage.replace('hub start', 'hub start --port 0');
  const data = join(folder, 'registry', 'data');
  stage.replace('npm run registry', `node ${ROOT}registry/main.ts --port 0 --data ${data}`);
});
afterAll(async () => await opened.disposeAsync());

async function play(scene: Scene): Promise<void> {
  if (scene.kind === 'file') {
    stage.writeFile(scene.role, scene.name, scene.text);
    return;
  }
  const { role, how, lines, expected } = scene;
  const [first = ''] = lines;
  if (how === 'background') {
    const output = await stage.begin(role, first).until((it) => missingLine(it, expected) === null);
    expect(missingLine(output, expected), output).toBeNull();
    if (role === 'registry') takeRegistry(output);
    return;
  }
  if (how === 'stop' || how === 'wait') {
    const running = stage.running(role, first);
    const { output } = await (how === 'stop' ? running.stop() : running.ended);
    expect(missingLine(output, expected), output).toBeNull();
    return;
  }
  let output = '';
  for (const line of lines) {
    const said = await stage.run(role, line);
    output += `${said.output}\n`;
    const isDone = said.code === 0;
    expect(isDone, `${line}\n${said.output}`).toBe(how !== 'fails');
  }
  expect(missingLine(output, expected.map(meantAddress)), output).toBeNull();
}

let address = 'http://127.0.0.1:3100';
const meantAddress = (line: string): string => line.replaceAll('http://127.0.0.1:3100', address);

/** The port that the registry took, and the token that it showed. */
function takeRegistry(output: string): void {
  address = /"url":"([^"]+)"/u.exec(output)?.[1] ?? '';
  const token = /shown this once: (\S+)/u.exec(output)?.[1] ?? '';
  stage.replace('http://127.0.0.1:3100', address);
  stage.replace('hub-plugin login <', `hub-plugin login ${address} <`);
  stage.writeFile('author', 'admin-token.txt', `${token}\n`);
}

describe('the tutorial', () => {
  test('has every command of both halves', () => {
    const lines = scenes.flatMap((it) => (it.kind === 'commands' ? it.lines : []));
    for (const word of [
      'new',
      'check',
      'dev',
      'pack',
      'sign',
      'verify',
      'publish',
      'login',
      'namespaces',
      'keys',
      'state',
    ])
      expect(
        lines.some((it) => it.startsWith(`hub-plugin ${word}`)),
        word,
      ).toBe(true);
    for (const word of [
      'start',
      'registries add',
      'plugins search',
      'plugins install',
      'plugins update',
      'run',
    ])
      expect(
        lines.some((it) => it.startsWith(`hub ${word}`)),
        word,
      ).toBe(true);
  });

  test.each(scenes.map((scene, at) => [titleOf(scene, at), scene] as const))(
    '%s',
    async (_title, scene) => await play(scene),
    60_000,
  );
});

function titleOf(scene: Scene, at: number): string {
  const what =
    scene.kind === 'file'
      ? `writes ${scene.name}`
      : `${scene.how === 'now' ? '' : `(${scene.how}) `}${scene.lines[0] ?? ''}`;
  return `step ${String(at + 1)}: the ${scene.role} ${scene.kind === 'file' ? what : `runs ${what}`}`;
}
