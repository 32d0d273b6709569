/** The bundled isolate-bootstrap.ts as text; made by build.ts. */
declare module 'bootstrap:source' {
  const source: string;
  export default source;
}
