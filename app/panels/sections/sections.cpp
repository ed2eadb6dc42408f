#include "app/panels/sections/sections.h"

#include "app/panels/sections/control_section.h"
#include "app/panels/sections/hires_section.h"
#include "app/panels/sections/ip_adapter_section.h"
#include "app/panels/sections/lora_section.h"
#include "app/panels/sections/refiner_section.h"

namespace kinora::app {

std::vector<ComposeSection*> makeSections(const ComposeSection::Parts& parts) {
    return {new LoraSection(parts), new ControlSection(parts), new IpAdapterSection(parts),
            new RefinerSection(parts), new HiresSection(parts)};
}

} // namespace kinora::app
