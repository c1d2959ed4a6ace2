package worker

// Kept is how many bytes of blocks are free for whoever needs some next.
func (w *Worker) Kept() int { return w.blocks.Kept() }

// Users is how many users whose rights the servers know are kept.
func (w *Worker) Users() int { return len(w.users) }
