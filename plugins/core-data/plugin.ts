import { definePlugin } from '@runtime-hub/plugin-sdk';
import { parseCsvNode, toCsvNode } from './nodes/csv.ts';
import { filterNode } from './nodes/filter.ts';
import { parseJsonNode, toJsonNode } from './nodes/json.ts';
import { groupNode, sortNode } from './nodes/lists.ts';
import { mapNode } from './nodes/map.ts';
import { mergeNode, pickNode } from './nodes/objects.ts';
import { transformNode } from './nodes/transform.ts';

export default definePlugin({
  id: 'core/data',
  version: '1.0.0',
  title: 'Data',
  description: 'Maps, filters and transforms data; reads and writes CSV and JSON.',
  engine: '>=0.1.0',
  runtime: 'isolate',
  permissions: [],
  nodes: [
    mapNode,
    filterNode,
    transformNode,
    parseCsvNode,
    toCsvNode,
    parseJsonNode,
    toJsonNode,
    pickNode,
    mergeNode,
    sortNode,
    groupNode,
  ],
});
