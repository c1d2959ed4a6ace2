package latency

// Recorder counts the times of one worker by service and command. NewRecorder makes it.
type Recorder struct {
	of [][]*Histogram // by service and command; nil for none yet
	// before has what there was at the last Reset of each service; nil without one.
	before [][]*Histogram
	most   int // the highest index of a command
}

// NewRecorder makes a recorder for so many services, and commands with indexes up to most.
func NewRecorder(services, most int) Recorder {
	r := Recorder{most: most}
	r.Grow(services)
	return r
}

// Grow makes room for so many services.
func (r *Recorder) Grow(services int) {
	for len(r.of) < services {
		r.of, r.before = append(r.of, make([]*Histogram, r.most+1)), append(r.before, nil)
	}
}

// Forget forgets what was counted of a service.
func (r *Recorder) Forget(service int) {
	clear(r.of[service])
	r.before[service] = nil
}

// Record counts the time of a command in microseconds, which belongs to a bucket.
func (r *Recorder) Record(service int, command uint16, bucket Bucket, us uint32) {
	h := r.of[service][command]
	if h == nil {
		h = &Histogram{}
		r.of[service][command] = h
	}
	h.AddIn(bucket, us)
}

// AddTo adds what was counted of a service since its last Reset to sums, which has a histogram for each index, or nil.
func (r *Recorder) AddTo(sums []*Histogram, service int) {
	for i, h := range r.of[service] {
		if h != nil && r.before[service] != nil && r.before[service][i] != nil {
			since := h.Since(r.before[service][i])
			h = &since
		}
		Sum(&sums[i], h)
	}
}

// Reset has AddTo begin anew for a service. Of goes on.
func (r *Recorder) Reset(service int) {
	r.before[service] = make([]*Histogram, len(r.of[service]))
	for i, h := range r.of[service] {
		Sum(&r.before[service][i], h)
	}
}

// Of returns what was counted of a service since the start, with a histogram for each index, or nil. They must not be
// changed, and are valid until the next Record.
func (r *Recorder) Of(service int) []*Histogram { return r.of[service] }
