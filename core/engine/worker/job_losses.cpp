#include "core/engine/worker/job_losses.h"

namespace kinora::core {

std::string JobLosses::add(JobPlace place) {
    m_atOnePlace = place == m_last ? m_atOnePlace + 1 : 1;
    m_inVain = isNew(place) ? 1 : m_inVain + 1;
    if (isNew(place)) m_furthest = place;
    m_last = place;
    if (m_atOnePlace >= kMostAtOnePlace) return "two workers were lost with it at the same place.";
    if (m_inVain >= kMostInVain)
        return std::to_string(kMostInVain) + " workers were lost with it and it came no further.";
    return {};
}

} // namespace kinora::core
