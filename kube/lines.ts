/**
 * Cuts a stream of bytes into the lines of a watch. A last line without its end is an error: the object in it is lost.
 */
import { TransientError } from './errors.ts';

// Far above the server's own limit for one object (about 3 MiB as JSON); guards against a stream that is no watch.
const longestLine = 64 * 1024 * 1024;

/**
 * Yields complete lines; `onBytes` is told of every chunk, before it is looked at.
 * @throws TransientError where the stream ends within a line (ConnectionFailed), or a line never ends (BadResponse)
 */
export async function* splitLines(
  what: string,
  chunks: AsyncIterable<Uint8Array>,
  onBytes: () => void,
): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    onBytes();
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > longestLine) throw new TransientError(`${what}: a line never ends`, { code: 'BadResponse' });
    yield* parts.filter((line) => line !== '');
  }
  if (rest !== '') throw new TransientError(`${what}: cut off in the middle of a line`, { code: 'ConnectionFailed' });
}
