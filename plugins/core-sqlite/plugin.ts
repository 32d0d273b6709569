import { definePlugin } from '@runtime-hub/plugin-sdk';
import { queryNode } from './nodes/query.ts';

export default definePlugin({
  id: 'core/sqlite',
  version: '1.0.0',
  title: 'SQLite',
  description: 'Asks SQLite databases, which it never changes.',
  engine: '>=0.1.0',
  runtime: 'process',
  permissions: [],
  nodes: [queryNode],
});
