export { addressOf } from './address.ts';
export { bodyReader, readBody, requireType } from './body.ts';
export { invalid, notFound, problemResponse } from './problem.ts';
export { rateLimit, type RateLimit } from './rate.ts';
export { PLAIN, immutableReply, jsonReply, keep, keptReply, type Kept } from './reply.ts';
