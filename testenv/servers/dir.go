package servers

import (
	"os"
	"path/filepath"
	"syscall"
)

const (
	dirPrefix = "evergate-env-"
	lockName  = "owner.lock"
)

// ownedDir is a temporary directory with a lock that its owner holds. A process that is killed cannot remove its
// directory; the next process that makes one does.
type ownedDir struct {
	path string
	lock *os.File
}

func newOwnedDir() (*ownedDir, error) {
	removeOrphans()
	// It gets its final name only once it is locked: removeOrphans of another process cannot find it before.
	path, err := os.MkdirTemp("", "evergate-new-")
	if err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, err
	}
	final := filepath.Join(filepath.Dir(path), dirPrefix+filepath.Base(path)[len("evergate-new-"):])
	if err := os.Rename(path, final); err != nil {
		return nil, err
	}
	return &ownedDir{path: final, lock: lock}, nil
}

func (d *ownedDir) remove() error {
	err := os.RemoveAll(d.path)
	_ = d.lock.Close()
	return err
}

// removeOrphans removes directories whose lock is free: their owner is dead.
func removeOrphans() {
	found, err := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	if err != nil {
		return
	}
	for _, path := range found {
		lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR, 0o600)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(path)
		}
		_ = lock.Close()
	}
}
