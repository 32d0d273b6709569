import { join } from 'node:path';
import { ROOT } from './process.mjs';

const bin = (name) => join(ROOT, 'node_modules', '.bin', name);

const BASE = ['bubblewrap'];
const DEMO = [
  ...BASE,
  'xvfb',
  'openbox',
  'x11-utils',
  'xdotool',
  'python3-gi',
  'gir1.2-gtk-3.0',
  'fonts-dejavu-core',
  'tesseract-ocr-eng',
];
const TEST = [...DEMO, 'fonts-liberation'];

const tests = (node, args) => [
  node,
  join(ROOT, 'node_modules/vitest/vitest.mjs'),
  'run',
  '--config',
  'test/vitest.config.ts',
  ...args,
];
const hub = (name) => (node, args) => [
  { argv: [node, 'studio/server/cli/hub.mjs', name, ...args] },
];

/** What each command needs from Debian, and what it runs: steps of `{ title?, argv }`. */
export const COMMANDS = {
  demo: { debian: DEMO, steps: hub('demo') },
  start: { debian: BASE, steps: hub('start') },
  registry: {
    debian: BASE,
    steps: (node, args) => [{ argv: [node, 'registry/main.ts', ...args] }],
  },
  test: { debian: TEST, steps: (node, args) => [{ argv: tests(node, args) }] },
  'test:adversarial': {
    debian: TEST,
    steps: (node, args) => [{ argv: [node, 'test/adversarial/main.ts', ...args] }],
  },
  check: {
    debian: TEST,
    steps: (node, args) => [
      { title: 'format', argv: [bin('oxfmt'), '--check'] },
      { title: 'lint', argv: [bin('oxlint')] },
      { title: 'types', argv: [bin('tsc'), '-p', '.'] },
      { title: 'dead code', argv: [bin('knip'), '--config', '.knip.json'] },
      { title: 'tests', argv: tests(node, args) },
    ],
  },
  bench: { debian: TEST, steps: (node, args) => [{ argv: [node, 'test/bench/main.ts', ...args] }] },
};

export const HELP = `Runtime Hub: installs what is missing, then runs a command.

  npm run demo    the headline job on a virtual screen (npm run demo -- --help)
  npm start       the hub on http://127.0.0.1:3000
  npm run registry
                  a registry of your own on http://127.0.0.1:3100
  npm test        all tests (npm test -- <filter>)
  npm run test:adversarial
                  hostile plugins and clients against a real hub; prints a table
  npm run check   format, lint, types, dead code, tests
  npm run bench   measurements

Or directly: node studio/setup.mjs <demo|start|registry|test|test:adversarial|check|bench> -- [arguments]`;
