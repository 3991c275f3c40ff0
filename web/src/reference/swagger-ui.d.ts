declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  /** Swagger UI's own options; the package has no types. */
  export default function SwaggerUI(options: Record<string, unknown>): void
}
