#include "core/engine/measured_work.h"

namespace kinora::core {

void MeasuredWork::begin(kernels::Device& device) {
    end();
    m_device = &device;
    m_first = true;
    m_device->startRecording();
}

void MeasuredWork::stepDone() {
    if (!m_device) return;
    const auto work = m_device->stopRecording();
    if (!m_first) {
        ++m_steps;
        const pipelines::ClassTimes step = pipelines::timesByClass(work, m_speed);
        for (size_t i = 0; i < step.size(); ++i) m_times[i] += step[i];
    }
    m_first = false;
    m_device->startRecording();
}

void MeasuredWork::skip() {
    if (m_device) m_device->startRecording(); // which forgets what there was
}

void MeasuredWork::end() {
    if (m_device) m_device->stopRecording();
    m_device = nullptr;
}

} // namespace kinora::core
