#pragma once
// A second pass that makes the picture larger, and what enlarges it where that is a network.

#include "app/panels/sections/compose_section.h"

class QCheckBox;

namespace kinora::app {

class CompanionField;

class HiresSection : public ComposeSection {
  public:
    explicit HiresSection(const Parts& parts);
    // All of the table whose names begin so, and those that name an upscaler: it may grow.
    std::vector<std::string_view> parameters() const override;
    bool use(const core::CompanionInfo& file) override;

  protected:
    void refresh() override;
    QString summary() const override;
    QStringList marks() const override;

  private:
    QCheckBox* m_on;
    std::vector<CompanionField*> m_upscalers;
};

} // namespace kinora::app
