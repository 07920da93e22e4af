// Writes api/gen/*.ts from crds/*.yaml, so that the types can never say anything else than the schema.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { compile, type JSONSchema } from 'json-schema-to-typescript';

interface Crd {
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
  };
}

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  required?: string[];
  description?: string;
  const?: string;
  tsType?: string;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** Closes objects and spells out what the Kubernetes extensions of OpenAPI mean, so that the types are exact. */
function toJsonSchema(schema: Schema): Schema {
  const { items, properties, ...rest } = schema;
  const result: Schema = { ...rest };
  if (schema['x-kubernetes-int-or-string'] === true) result.type = ['integer', 'string'];
  if (items !== undefined) result.items = toJsonSchema(items);
  if (properties !== undefined) {
    result.properties = Object.fromEntries(
      Object.entries(properties).map(([key, value]) => [key, toJsonSchema(value)]),
    );
    result.additionalProperties = schema['x-kubernetes-preserve-unknown-fields'] ?? false;
  }
  return result;
}

function withObjectMeta(schema: Schema, apiVersion: string, kind: string): Schema {
  return {
    ...schema,
    required: ['apiVersion', 'kind', 'metadata', ...(schema.required ?? [])],
    properties: {
      ...schema.properties,
      apiVersion: { const: apiVersion },
      kind: { const: kind },
      metadata: { tsType: 'V1ObjectMeta' },
    },
  };
}

function kebab(kind: string): string {
  return kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}

async function generate(crdFolder: string, outFolder: string): Promise<void> {
  rmSync(outFolder, { recursive: true, force: true });
  mkdirSync(outFolder, { recursive: true });
  for (const file of readdirSync(crdFolder).sort()) {
    const crd = load(readFileSync(join(crdFolder, file), 'utf8')) as Crd;
    const { kind } = crd.spec.names;
    for (const version of crd.spec.versions) {
      const schema = withObjectMeta(
        toJsonSchema(version.schema.openAPIV3Schema),
        `${crd.spec.group}/${version.name}`,
        kind,
      );
      const text = await compile(schema as JSONSchema, kind, {
        bannerComment: `// Generated from ${crdFolder}/${file} by hack/generate-types.ts. Do not edit.\nimport type { V1ObjectMeta } from '@kubernetes/client-node';`,
        ignoreMinAndMaxItems: true,
        style: { singleQuote: true, printWidth: 120 },
      });
      writeFileSync(join(outFolder, `${kebab(kind)}.ts`), text);
    }
  }
}

await generate('crds', 'api/gen');
