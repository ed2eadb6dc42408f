#include "core/queue/power_watch.h"

#include "core/devices/power_state.h"

#include <utility>

namespace kinora::core {

PowerWatch::PowerWatch(Options options) : m_options(std::move(options)) {}

void PowerWatch::setOptions(Options options) {
    m_options = std::move(options);
    m_nextLook = m_coolAt = 0;
    m_reason.clear();
}

const std::string& PowerWatch::reasonToHold(double now) {
    if ((!m_options.pauseOnBattery && !m_options.pauseWhenHot) || now < m_nextLook) return m_reason;
    m_nextLook = now + m_options.lookSeconds;
    const PowerState state = readPowerState(m_options.sysfs);
    if (state.tooHot) m_coolAt = now + m_options.coolSeconds;
    m_reason.clear();
    if (m_options.pauseOnBattery && state.onBattery)
        m_reason = "the machine runs on its battery";
    else if (m_options.pauseWhenHot && now < m_coolAt)
        m_reason = "the machine is too hot";
    return m_reason;
}

void PowerWatch::setWorking(bool working) {
    if (!working)
        m_awake.reset();
    else if (!m_awake)
        m_awake = std::make_unique<SleepInhibitor>("Pictures are being made");
}

} // namespace kinora::core
