//! A copy of the repository that may be broken: made again only where something changed, so that
//! cargo compiles only that.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::bugs::Bug;

/// The repository that this test belongs to.
pub(crate) fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = tests.parent().expect("the package lies in the workspace");
    root.to_path_buf()
}

/// A file of the repository, as text.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The copy.
pub(crate) struct Copy {
    root: PathBuf,
}

impl Copy {
    /// Copies everything that cargo needs.
    pub(crate) fn of_the_repository() -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted");
        mirror(&repository(), &root);
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Plants a bug, until the value that is returned is dropped.
    pub(crate) fn plant(&self, bug: &Bug) -> Planted {
        let path = self.root.join(bug.file);
        let sound = read(&path);
        let broken = bug.planted(&sound);
        let broken = broken.unwrap_or_else(|error| panic!("{}: {error}", bug.name));
        write(&path, broken.as_bytes());
        Planted { path, sound }
    }
}

/// A bug in its place.
pub(crate) struct Planted {
    path: PathBuf,
    sound: String,
}

impl Drop for Planted {
    fn drop(&mut self) {
        write(&self.path, self.sound.as_bytes());
    }
}

/// Makes `to` equal to `from`, and touches nothing that is equal already.
fn mirror(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    let names: BTreeSet<_> = entries(from);
    for gone in entries(to).difference(&names) {
        remove(&to.join(gone));
    }
    for name in names {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            mirror(&source, &target);
        } else if let Ok(bytes) = fs::read(&source)
            && fs::read(&target).ok().as_ref() != Some(&bytes)
        {
            write(&target, &bytes);
        }
    }
}

fn entries(directory: &Path) -> BTreeSet<std::ffi::OsString> {
    let listed = fs::read_dir(directory);
    let listed = listed.unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let names = listed.flatten().map(|entry| entry.file_name());
    names.filter(|name| is_source(name)).collect()
}

/// Neither what was built nor what git keeps.
fn is_source(name: &OsStr) -> bool {
    name != "target" && name != ".git"
}

fn remove(path: &Path) {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
