/** Many systems do not know the types of MKV and TS, and would grey them out. */
const VIDEOS = 'video/*,audio/*,.mkv,.ts,.m2ts,.mts,.flv,.ogv,.mxf,.webm,.avi,.mov';

/** Lets the viewer choose files with the browser's own dialog. Resolves with none where it is dismissed. */
export function chooseFiles({
  several,
  accept = VIDEOS,
}: {
  several: boolean;
  accept?: string;
}): Promise<readonly File[]> {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = several;
  input.accept = accept;
  return new Promise((resolve) => {
    input.addEventListener('change', () => resolve([...(input.files ?? [])]));
    input.addEventListener('cancel', () => resolve([]));
    input.click();
  });
}
