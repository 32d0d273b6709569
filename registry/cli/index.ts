export { TRANSFER_HELP, isTransfer, transfer } from './transfer.ts';
