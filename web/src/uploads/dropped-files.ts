const MEDIA_NAME =
  /\.(mp4|m4v|mov|mkv|webm|avi|ts|m2ts|mts|mpe?g|flv|og[gv]|mxf|3gp|wmv|mp3|m4a|aac|flac|wav|opus)$/i;

/** The files of a drop. Of a folder those that look like media, wherever in it they lie. */
export async function droppedFiles(data: DataTransfer): Promise<readonly File[]> {
  // The list is emptied as soon as the event is over, so all entries are taken before anything is waited for.
  const dropped = [...data.items].flatMap((item) => {
    const entry = item.kind === 'file' ? item.webkitGetAsEntry() : null;
    if (entry?.isDirectory) return [filesBelow(entry as FileSystemDirectoryEntry)];
    const file = item.getAsFile();
    return file === null ? [] : [Promise.resolve([file])];
  });
  return (await Promise.all(dropped)).flat();
}

async function filesBelow(folder: FileSystemDirectoryEntry): Promise<readonly File[]> {
  const reader = folder.createReader();
  const found: File[] = [];
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    // A reader gives a hundred at a time, and none at the end.
    if (entries.length === 0) return found;
    for (const entry of entries) {
      if (entry.isDirectory) found.push(...(await filesBelow(entry as FileSystemDirectoryEntry)));
      else if (MEDIA_NAME.test(entry.name)) found.push(await fileOf(entry as FileSystemFileEntry));
    }
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}
