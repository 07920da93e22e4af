// Makes results of what bench/gpu/run.sh left: `node bench/gpu/collect.ts FOLDER [RESULTS]`. One file for each kind of
// experiment; documents of one kind, such as those of single task sets, become one.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeResult } from '../result.ts';
import type { Document } from './documents.ts';
import { identityFigures, type IdentityDocument } from './identity.ts';
import { joiningFigures, type JoiningDocument } from './joining.ts';
import { loadBesideFigures, type LoadBesideDocument } from './load-beside.ts';
import { migrationFigures, type MigrationDocument } from './migration.ts';
import { overheadFigures, type OverheadDocument } from './overhead.ts';
import { peersFigures, type PeersDocument } from './peers.ts';
import { setsFigures, unbatchedFigures, type SetsDocument, type UnbatchedDocument } from './sets.ts';
import { soakFigures, type SoakDocument } from './soak.ts';

type Condense = (document: Document) => object;

const KINDS: Readonly<Record<string, Condense>> = {
  overhead: (document) => overheadFigures(document as OverheadDocument),
  peers: (document) => peersFigures(document as PeersDocument),
  sets: (document) => setsFigures(document as SetsDocument),
  unbatched: (document) => unbatchedFigures(document as UnbatchedDocument),
  migration: (document) => migrationFigures(document as MigrationDocument),
  identity: (document) => identityFigures(document as IdentityDocument),
  'load-beside': (document) => loadBesideFigures(document as LoadBesideDocument),
  joining: (document) => joiningFigures(document as JoiningDocument),
  soak: (document) => soakFigures(document as SoakDocument),
};

/** `sets-unet` is a document of `sets`. */
export function kindOf(experiment: string): string | undefined {
  return Object.keys(KINDS).find((kind) => experiment === kind || experiment.startsWith(`${kind}-`));
}

/** Documents of one kind as one. Throws where they are of different machines or builds. */
export function joined(documents: readonly Document[]): Document {
  const [first] = documents;
  if (first === undefined) throw new RangeError('no document');
  const origin = ({ machine, commit }: Document): string => JSON.stringify([machine, commit]);
  const stranger = documents.find((document) => origin(document) !== origin(first));
  if (stranger !== undefined)
    throw new Error(`${stranger.experiment} and ${first.experiment} were measured on different machines or builds`);
  const sets = Object.assign(
    {},
    ...documents.map((document) => (document as Partial<SetsDocument>).sets ?? {}),
  ) as object;
  return 'sets' in first ? Object.assign({}, first, { sets }) : first;
}

/** Documents by the name of their result, `gpu-…`; those of no kind, such as that of the packages, are left out. */
export function byResult(documents: readonly Document[]): Map<string, Document> {
  const known = documents.filter(({ experiment }) => kindOf(experiment) !== undefined);
  const groups = Map.groupBy(known, ({ experiment }) => `gpu-${kindOf(experiment)}`);
  return new Map([...groups].map(([name, group]) => [name, joined(group)]));
}

/** Throws a RangeError where the document lacks what its figures are made of. */
export function figuresOf(document: Document): object {
  const condense = KINDS[kindOf(document.experiment) ?? ''];
  if (condense === undefined) throw new RangeError(`${document.experiment} is no experiment with figures`);
  return condense(document);
}

if (import.meta.main) {
  const [, , folder, into = 'bench/results'] = process.argv;
  if (folder === undefined) throw new Error('usage: node bench/gpu/collect.ts FOLDER [RESULTS]');
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const documents = files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Document);
  for (const [name, document] of byResult(documents)) {
    try {
      writeResult(join(into, `${name}.json`), figuresOf(document), document);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      process.stderr.write(`${name}: ${error.message}\n`);
      process.exitCode = 1;
    }
  }
}
