package worker

// Kept is how many bytes of blocks are free for whoever needs some next.
func (w *Worker) Kept() int { return w.blocks.Kept() }
