#pragma once
// The folded sections of the compose panel, in the order in which they stand there. A new one is a
// file beside this and a line in sections.cpp.

#include "app/panels/sections/compose_section.h"

#include <vector>

namespace kinora::app {

// The caller owns them.
std::vector<ComposeSection*> makeSections(const ComposeSection::Parts& parts);

} // namespace kinora::app
