// The size of an image as a registry holds it and a node pulls it: the layers, compressed, and the configuration.
import { AppError } from '../kube/errors.ts';

/** Reads a file of the OCI archive by its path there. */
export type ReadFile = (path: string) => string;

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

export interface ImageSize {
  readonly image: string;
  /** 10^6 bytes. */
  readonly compressedMB: number;
  /** Absent: any size. */
  readonly limitMB?: number;
}

/** @throws AppError where the archive does not hold exactly one image */
export function compressedBytes(read: ReadFile): number {
  const { manifests } = JSON.parse(read('index.json')) as { manifests: Descriptor[] };
  const [manifest] = manifests;
  if (manifest === undefined || manifests.length > 1) {
    throw new AppError(`the archive holds ${manifests.length} images, expected 1`, { code: 'ImageArchive' });
  }
  const content = read(`blobs/${manifest.digest.replace(':', '/')}`);
  const { config, layers } = JSON.parse(content) as { config: Descriptor; layers: Descriptor[] };
  return [config, ...layers].reduce((sum, { size }) => sum + size, manifest.size);
}

/** What was recorded, with the measured ones in their places or at the end. */
export function withMeasured(recorded: readonly ImageSize[], measured: readonly ImageSize[]): ImageSize[] {
  const sizes = new Map([...recorded, ...measured].map((size) => [size.image, size]));
  return [...sizes.values()];
}

/** One sentence for each image above its limit. */
export function aboveLimit(sizes: readonly ImageSize[]): string[] {
  return sizes
    .filter(({ compressedMB, limitMB }) => limitMB !== undefined && compressedMB > limitMB)
    .map(
      ({ image, compressedMB, limitMB }) => `${image}: ${compressedMB} MB compressed, at most ${limitMB} are allowed`,
    );
}
