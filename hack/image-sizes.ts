// Measures images in build/images and keeps their sizes in bench/results/images.json; exit status 1 where one is above its
// limit. `node hack/image-sizes.ts [IMAGE...]`, absent: those that CI builds. What is not measured stays as it is recorded.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { aboveLimit, compressedBytes, withMeasured, type ImageSize } from './image-size.ts';

const root = join(import.meta.dirname, '..');
const results = join(root, 'bench', 'results', 'images.json');
/** 10^6 bytes, compressed. The image with torch has none: it is what PyTorch and the CUDA libraries are. */
const limits: Readonly<Record<string, number>> = { operator: 110, agent: 200 };

function measure(image: string): ImageSize {
  const archive = join(root, 'build', 'images', `${image}.tar`);
  const read = (file: string): string => execFileSync('tar', ['-xOf', archive, file], { encoding: 'utf8' });
  const limitMB = limits[image];
  const compressedMB = Math.round(compressedBytes(read) / 1e5) / 10;
  return { image, compressedMB, ...(limitMB === undefined ? {} : { limitMB }) };
}

const asked = process.argv.slice(2);
const sizes = (asked.length > 0 ? asked : Object.keys(limits)).map(measure);
const { images } = JSON.parse(readFileSync(results, 'utf8')) as { images: readonly ImageSize[] };
writeFileSync(results, `${JSON.stringify({ images: withMeasured(images, sizes) }, null, 2)}\n`);
for (const { image, compressedMB, limitMB } of sizes) {
  process.stdout.write(
    `${image}: ${compressedMB} MB compressed${limitMB === undefined ? '' : `, limit ${limitMB} MB`}\n`,
  );
}
const failures = aboveLimit(sizes);
for (const failure of failures) process.stderr.write(`${failure}\n`);
process.exitCode = failures.length > 0 ? 1 : 0;
