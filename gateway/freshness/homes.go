package freshness

// NewHome returns the next number for a session that begins to read from replicas: 1, 2 and so on. Workers distribute
// their sessions over replicas by it.
func (s *Service) NewHome() uint32 { return s.homes.Add(1) }
