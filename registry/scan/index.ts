export { Scanner } from './scanner.ts';
