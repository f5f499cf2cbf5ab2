package engine

// Filters returns the names of all filters, sorted.
func Filters() []string {
	named := map[string]any{}
	for name := range filters {
		named[name] = nil
	}
	return sortedKeys(named)
}
