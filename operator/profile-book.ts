// The profiles that there are, by package and kind of GPU, as one placement cycle sees them.
import { gpuKindKey } from '../api/profiles.ts';
import type { StoredProfile } from './resources.ts';

/** Of one package: the profiles of each kind of GPU (`gpuKindKey`), in order of their names. */
export type PackageProfiles = ReadonlyMap<string, readonly StoredProfile[]>;

export const noProfiles: PackageProfiles = new Map();

export class ProfileBook {
  #listed: readonly StoredProfile[] = [];
  #byDigest = new Map<string, PackageProfiles>();

  /** Takes the present list; what has not changed keeps its identity, so that what rests on it can be kept too. */
  refresh(list: readonly StoredProfile[]): void {
    const profiles = list.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    if (sameElements(profiles, this.#listed)) return;
    this.#listed = profiles;
    const groups = new Map<string, StoredProfile[]>();
    for (const profile of profiles) {
      const { digest } = profile.spec;
      groups.set(digest, [...(groups.get(digest) ?? []), profile]);
    }
    const before = this.#byDigest;
    this.#byDigest = new Map([...groups].map(([digest, group]) => [digest, kept(before.get(digest), group)]));
  }

  of(digest: string): PackageProfiles {
    return this.#byDigest.get(digest) ?? noProfiles;
  }
}

function kept(before: PackageProfiles | undefined, group: readonly StoredProfile[]): PackageProfiles {
  const byKind = new Map<string, StoredProfile[]>();
  for (const profile of group) {
    const key = gpuKindKey(profile.spec);
    byKind.set(key, [...(byKind.get(key) ?? []), profile]);
  }
  const same =
    before?.size === byKind.size && [...byKind].every(([key, each]) => sameElements(each, before.get(key) ?? []));
  return same ? before : byKind;
}

function sameElements<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((element, at) => element === other[at]);
}
