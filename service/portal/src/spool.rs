//! Sealed parcels on their way: pieces on disk, named by numbers, read in order when they are sent. Memory
//! holds no more of an upload than what is between two buffers.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use axum::body::Body;
use tokio::io::AsyncWriteExt;

use crate::error::Fault;
use crate::gate::{STALL, next_of};
use crate::ids::fresh_id;

/// One upload's sizes: of the three parcels, and of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub sizes: [u64; 3],
    pub chunk: u64,
}

impl Shape {
    pub fn total(&self) -> u64 {
        self.sizes.iter().sum()
    }

    fn size(&self, server: u8) -> u64 {
        self.sizes.get(usize::from(server)).copied().unwrap_or(0)
    }

    pub fn chunks(&self, server: u8) -> u64 {
        self.size(server).div_ceil(self.chunk)
    }

    /// How long a piece is: the last one is what is left.
    pub fn length(&self, server: u8, chunk: u64) -> Option<u64> {
        (chunk < self.chunks(server)).then(|| self.chunk.min(self.size(server) - chunk * self.chunk))
    }
}

/// The folder of one upload. Its name is the upload's id, which the portal drew.
#[derive(Clone, Debug)]
pub struct Spool(PathBuf);

impl Spool {
    pub fn new(folder: &Path, upload: &str) -> Self {
        Self(folder.join(upload))
    }

    pub async fn create(&self) -> Result<(), Fault> {
        tokio::fs::create_dir_all(&self.0).await.map_err(|error| Fault::disk("spool", &error))
    }

    fn piece(&self, server: u8, chunk: u64) -> PathBuf {
        self.0.join(format!("{server}-{chunk}"))
    }

    /// Where its folder is gone the upload was given up meanwhile.
    fn failed(error: &io::Error) -> Fault {
        match error.kind() {
            io::ErrorKind::NotFound => Fault::NoSuchThing("upload"),
            _ => Fault::disk("spool", error),
        }
    }

    /// Writes a piece while it arrives. It is there once it is kept, and not before.
    pub async fn receive(&self, length: u64, body: &mut Body) -> Result<Piece, Fault> {
        let path = self.0.join(format!("unfinished-{}", fresh_id()?));
        // Made right here: where the connection breaks there is no file yet, or something that removes it.
        let file = File::create_new(&path).map_err(|error| Self::failed(&error))?;
        let piece = Piece(path);
        write(tokio::fs::File::from_std(file), length, body).await?;
        Ok(piece)
    }

    /// Gives a piece its place. One that was there before is gone then.
    pub async fn keep(&self, piece: Piece, server: u8, chunk: u64) -> Result<(), Fault> {
        tokio::fs::rename(&piece.0, self.piece(server, chunk)).await.map_err(|error| Self::failed(&error))
    }

    /// The pieces that are there, of each server.
    pub async fn have(&self, shape: Shape) -> Result<[Vec<u64>; 3], Fault> {
        let spool = self.clone();
        let looked = tokio::task::spawn_blocking(move || spool.look(shape));
        let have = looked.await.map_err(|error| Fault::internal("spool", &error))?;
        have.map_err(|error| Fault::disk("spool", &error))
    }

    /// What is in the folder, and not what might be: an upload may have 200,000 pieces.
    fn look(&self, shape: Shape) -> io::Result<[Vec<u64>; 3]> {
        let mut have = [vec![], vec![], vec![]];
        let entries = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(have),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some((server, chunk)) = name.to_str().and_then(numbers) else { continue };
            // One that was put in its place meanwhile, or removed, is not there.
            let Ok(found) = entry.metadata() else { continue };
            let whole = shape.length(server, chunk) == Some(found.len());
            if let (true, Some(have)) = (whole, have.get_mut(usize::from(server))) {
                have.push(chunk);
            }
        }
        have.iter_mut().for_each(|have| have.sort_unstable());
        Ok(have)
    }

    /// The parcel for a server, from its first octet to its last.
    pub fn reader(&self, server: u8, shape: Shape) -> Parcel {
        Parcel { spool: self.clone(), server, next: 0, chunks: shape.chunks(server), open: None }
    }

    pub async fn remove(&self) {
        match tokio::fs::remove_dir_all(&self.0).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(?error, "an upload's folder stays behind");
            }
            _ => {}
        }
    }
}

/// A piece that has arrived and has no place yet. It is deleted with this, unless it was kept.
#[derive(Debug)]
pub struct Piece(PathBuf);

impl Drop for Piece {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Of a piece, by the name that [`Spool::piece`] gives it.
fn numbers(name: &str) -> Option<(u8, u64)> {
    let (server, chunk) = name.split_once('-')?;
    let read: (u8, u64) = (server.parse().ok()?, chunk.parse().ok()?);
    (format!("{}-{}", read.0, read.1) == name).then_some(read)
}

async fn write(mut file: tokio::fs::File, length: u64, body: &mut Body) -> Result<(), Fault> {
    let failed = |error: io::Error| Fault::disk("spool", &error);
    let mut left = length;
    while let Some(data) = next_of(body, STALL).await? {
        left = left
            .checked_sub(data.len() as u64)
            .ok_or_else(|| Fault::invalid(format!("this piece has {length} octets, and more came")))?;
        file.write_all(&data).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    match left {
        0 => Ok(()),
        _ => Err(Fault::invalid(format!("this piece has {length} octets, and {left} are missing"))),
    }
}

/// Reads piece after piece.
pub struct Parcel {
    spool: Spool,
    server: u8,
    next: u64,
    chunks: u64,
    open: Option<File>,
}

impl Read for Parcel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(file) = &mut self.open {
                match file.read(buffer)? {
                    0 => self.open = None,
                    read => return Ok(read),
                }
            }
            if self.next == self.chunks {
                return Ok(0);
            }
            self.open = Some(File::open(self.spool.piece(self.server, self.next))?);
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { sizes: [10, 4, 1], chunk: 4 };

    #[test]
    fn the_last_piece_is_what_is_left() {
        assert_eq!([0, 1, 2].map(|server| SHAPE.chunks(server)), [3, 1, 1]);
        assert_eq!([0, 1, 2, 3].map(|chunk| SHAPE.length(0, chunk)), [Some(4), Some(4), Some(2), None]);
        assert_eq!((SHAPE.length(2, 0), SHAPE.length(3, 0), SHAPE.total()), (Some(1), None, 15));
    }

    #[tokio::test]
    async fn pieces_in_any_order_are_one_parcel_and_half_ones_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path(), "upload");
        spool.create().await.unwrap();
        let put = async |chunk: u64, length: u64, text: &'static str| {
            let piece = spool.receive(length, &mut Body::from(text)).await?;
            spool.keep(piece, 0, chunk).await
        };
        put(2, 2, "89").await.unwrap();
        put(0, 4, "0123").await.unwrap();
        assert!(put(1, 4, "45").await.is_err());
        assert!(put(1, 4, "456789").await.is_err());
        assert_eq!(spool.have(SHAPE).await.unwrap(), [vec![0, 2], vec![], vec![]]);
        put(1, 4, "4567").await.unwrap();
        let mut text = String::new();
        spool.reader(0, SHAPE).read_to_string(&mut text).unwrap();
        assert_eq!(text, "0123456789");
        assert_eq!(std::fs::read_dir(folder.path().join("upload")).unwrap().count(), 3);
        spool.remove().await;
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_is_there_is_looked_at_and_not_what_might_be() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path(), "upload");
        let many = Shape { sizes: [u64::MAX, 4, 1], chunk: 1 };
        assert_eq!(spool.have(many).await.unwrap().map(|have| have.len()), [0; 3]);
        spool.create().await.unwrap();
        for name in ["0-10", "0-9", "1-3", "1-4", "3-0", "0-07", "0-x", "unfinished-0-1", "2-0"] {
            let text = if name == "2-0" { "" } else { "x" };
            std::fs::write(folder.path().join("upload").join(name), text).unwrap();
        }
        assert_eq!(spool.have(many).await.unwrap(), [vec![9, 10], vec![3], vec![]]);
    }

    #[tokio::test]
    async fn an_upload_that_is_given_up_meanwhile_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path(), "upload");
        let receive = async || spool.receive(2, &mut Body::from("01")).await;
        assert!(matches!(receive().await, Err(Fault::NoSuchThing("upload"))));
        spool.create().await.unwrap();
        let piece = receive().await.unwrap();
        spool.remove().await;
        assert!(matches!(spool.keep(piece, 0, 0).await, Err(Fault::NoSuchThing("upload"))));
    }

    /// Linux has a file on which there is never room.
    #[tokio::test]
    async fn a_full_disk_is_told_as_one() {
        let full = || tokio::fs::File::from_std(File::options().write(true).open("/dev/full").unwrap());
        for octets in [1, 3 << 20] {
            let piece = vec![7; octets];
            let said = write(full(), octets as u64, &mut Body::from(piece)).await.unwrap_err();
            assert_eq!((said.code(), said.status().as_u16()), ("disk_full", 507));
        }
    }

    #[tokio::test]
    async fn a_broken_connection_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path(), "upload");
        spool.create().await.unwrap();
        let count = || std::fs::read_dir(folder.path().join("upload")).unwrap().count();
        let (began, begins) = tokio::sync::oneshot::channel();
        let first = futures_util::stream::once(async move {
            began.send(()).unwrap();
            Ok::<_, io::Error>("01")
        });
        let mut body =
            Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending()));
        let other = spool.clone();
        let receiving = tokio::spawn(async move { other.receive(4, &mut body).await.map(drop) });
        begins.await.unwrap();
        assert_eq!(count(), 1);
        // As the server does with the request of a connection that is no more.
        receiving.abort();
        assert!(receiving.await.unwrap_err().is_cancelled());
        assert_eq!(count(), 0);
    }
}
