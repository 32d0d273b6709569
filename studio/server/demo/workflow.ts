import { readFileSync } from 'node:fs';
import { parseWorkflow } from '@runtime-hub/kernel';
import type { WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { WINDOW_TITLE, type Stage } from './stage.ts';

const SAMPLE = new URL('../../samples/screen-to-click.json', import.meta.url);

/** The sample “screen to click”, with the places where this stage's number and button really are. */
export function demoWorkflow(boxes: Stage['boxes']): WorkflowDocument {
  const workflow = parseWorkflow(JSON.parse(readFileSync(SAMPLE, 'utf8')));
  const area = { window: WINDOW_TITLE, ...boxes.number };
  const { x, y, width, height } = boxes.button;
  const button = { x: Math.round(x + width / 2), y: Math.round(y + height / 2) };
  const configs: Readonly<Record<string, WorkflowDocument['nodes'][string]['config']>> = {
    changed: { ...area, atStart: true },
    shot: area,
    click: { window: WINDOW_TITLE, ...button, watch: area },
  };
  const nodes = Object.entries(workflow.nodes).map(([name, node]) => {
    const config = configs[name];
    return [name, config === undefined ? node : { ...node, config }] as const;
  });
  return { ...workflow, nodes: Object.fromEntries(nodes) };
}
