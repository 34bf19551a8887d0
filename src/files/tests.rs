use std::io::Cursor;

use tempfile::TempDir;

use super::*;

fn write(path: &Path, text: &str) {
    let mut file = LocalFiles.create(path.to_str().unwrap()).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.finish().unwrap();
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn names(directory: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.csv");
    let mut given_up = LocalFiles.create(path.to_str().unwrap()).unwrap();
    given_up.write_all(b"half").unwrap();
    drop(given_up);
    assert_eq!(names(&directory), [""; 0]);
    for part in ["first", "second"] {
        write(&path, part);
        assert_eq!(text(&path), part);
    }
    assert_eq!(names(&directory), ["out.csv"]);
}

#[test]
fn the_longest_name_is_a_name_like_any_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x".repeat(255));
    write(&path, "text");
    assert_eq!(text(&path), "text");
}

#[test]
fn a_pipe_that_is_kept_can_be_read_at_any_place() {
    let mut file = LocalFiles.spool(Box::new(Cursor::new(b"abc".to_vec()))).unwrap();
    file.seek(io::SeekFrom::Start(1)).unwrap();
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "bc");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink},
        net::UnixListener,
    };

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("elsewhere")).unwrap();
        fs::write(at("elsewhere/real.csv"), "OLD").unwrap();
        symlink("elsewhere/real.csv", at("link.csv")).unwrap();
        symlink(at("link.csv"), at("second.csv")).unwrap();
        symlink("elsewhere/new.csv", at("dangling.csv")).unwrap();
        symlink("ring.csv", at("ring.csv")).unwrap();
        for link in ["link.csv", "second.csv"] {
            write(&at(link), link);
            assert_eq!(text(&at("elsewhere/real.csv")), link);
        }
        write(&at("dangling.csv"), "new");
        assert_eq!(text(&at("elsewhere/new.csv")), "new");
        for link in ["link.csv", "second.csv", "dangling.csv"] {
            assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link}");
        }
        assert!(LocalFiles.create(at("ring.csv").to_str().unwrap()).is_err());
    }

    #[test]
    fn an_older_file_keeps_its_mode_until_and_after_it_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("perm.csv");
        for expected in [0o640, 0o600, 0o666, 0o750] {
            fs::write(&path, "OLD").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(expected)).unwrap();
            let mut file = LocalFiles.create(path.to_str().unwrap()).unwrap();
            file.write_all(b"NEW").unwrap();
            assert_eq!((text(&path).as_str(), mode(&path)), ("OLD", expected));
            file.finish().unwrap();
            assert_eq!((text(&path).as_str(), mode(&path)), ("NEW", expected));
        }
    }

    #[test]
    fn a_pipe_is_written_to_and_read_from_and_stays_a_pipe() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        assert!(process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let name = path.to_str().unwrap().to_owned();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let InputFile::Pipe(mut pipe) = LocalFiles.open(&name).unwrap() else {
                    panic!("a pipe cannot be read at any place");
                };
                let mut text = String::new();
                pipe.read_to_string(&mut text).unwrap();
                text
            });
            write(&path, "through the pipe");
            assert_eq!(reader.join().unwrap(), "through the pipe");
        });
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
        assert_eq!(names(&directory), ["pipe"]);
    }

    #[test]
    fn a_socket_is_connected_to() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        write(&path, "hello");
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        assert!(fs::metadata(&path).unwrap().file_type().is_socket());
    }

    #[test]
    fn a_device_is_written_to_and_a_directory_is_not() {
        write(Path::new("/dev/null"), "nothing");
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        let directory = tempfile::tempdir().unwrap();
        let name = directory.path().to_str().unwrap();
        assert_eq!(LocalFiles.create(name).err().unwrap().kind(), io::ErrorKind::IsADirectory);
        assert_eq!(LocalFiles.open(name).err().unwrap().kind(), io::ErrorKind::IsADirectory);
    }

    use std::process;
}
